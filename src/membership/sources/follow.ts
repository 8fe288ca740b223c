export { follow } from '../../core/index.ts';
