import { expect, it } from 'vitest';
import { withoutSecrets } from './child.js';

it.each([
  'KVM_MEMTYPE_QUEUE',
  'KVM_MEMTYPE_INDEX',
  'KVM_MEMTYPE_TOKEN',
  'KVM_MEMTYPE_IMAGES_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
])('jobs do not know %s', (name) => {
  expect(withoutSecrets({ [name]: 'hunter2', PATH: '/bin' })).toEqual({ PATH: '/bin' });
});
