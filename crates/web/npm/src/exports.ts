// What the entries for browsers and for Node have in common.

export { Codec } from './codec.js';
export type { CodecOptions } from './codec.js';
export { HeirloomError } from './failure.js';
export type { FailureKind } from './failure.js';
export { hasSimd } from './modules.js';
export type { ModuleAddresses } from './modules.js';
export { toRgba } from './rgba.js';
export type * from './types.js';
