// <heirloom-image> for pages that lie beside this one's files: they include element.js, and nothing else.

import './codec';

export { HeirloomImageElement } from 'heirloom-web/element';
