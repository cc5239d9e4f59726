import { expect, it } from 'vitest';
import { pgUrl } from './pg-url.js';

it.each([
  ['postgres://a:b@h/d', 'postgres://a:b@h/d'],
  ['postgres://h/d?sslmode=verify-full', 'postgres://h/d?sslmode=verify-full'],
  ['postgres://h/d?sslmode=disable', 'postgres://h/d?sslmode=disable'],
  ['postgres://a:b%40@h/d?sslmode=require&x=1', 'postgres://a:b%40@h/d?sslmode=verify-full&x=1'],
  ['postgres://h/d?sslmode=prefer', 'postgres://h/d?sslmode=verify-full'],
  ['postgres://h/d?sslmode=verify-ca', 'postgres://h/d?sslmode=verify-full'],
  [
    'postgres://h/d?uselibpqcompat=true&sslmode=require',
    'postgres://h/d?uselibpqcompat=true&sslmode=require',
  ],
])('pg is given %s as %s', (given, wanted) => {
  expect(pgUrl(given)).toBe(wanted);
});
