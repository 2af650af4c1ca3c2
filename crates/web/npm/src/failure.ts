// The one kind of error that this package throws of its own.

/**
 * What went wrong. `internal` is a defect of this package, after which it starts afresh by itself; the others
 * are those of the command.
 */
export type FailureKind =
  | 'not-heirloom'
  | 'unsupported'
  | 'damaged'
  | 'cut-short'
  | 'unknown-model'
  | 'over-limit'
  | 'bad-parameter'
  | 'bad-model'
  | 'failed'
  | 'internal';

/** An error with a kind to decide by. Its message says what is wrong, where, and what can be done. */
export class HeirloomError extends Error {
  override name = 'HeirloomError';

  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}
