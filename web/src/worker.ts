// The thread in which the codec works: the package's own.

import 'heirloom-web/worker';
