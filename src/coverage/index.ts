export { Coverage } from './coverage.js';
export { quickSet } from './quick.js';
export { scopeOf } from './scope.js';
