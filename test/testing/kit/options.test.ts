// Wrong use of the suites is told at once, and never passes for a test that has looked.
import { memoryWal } from 'sluice';
import { type Place, type WalSuite, walSuite } from 'sluice/testing';
import { expect, test } from 'vitest';

const place = (): Place<{ wal: ReturnType<typeof memoryWal> }> => ({
  adapters: () => ({ wal: memoryWal() }),
});

/** What a caller without a compiler might pass. */
type Bad = never;

test.each<[what: string, options: object, why: RegExp]>([
  ['no runner', { test: undefined }, /^test must be a function/],
  ['no factory', { factory: undefined }, /^factory must be a function/],
  ['a group that is none', { describe: 'logs' }, /^describe must be a function/],
  ['a capability that nobody knows', { supports: { killed: true } }, /^supports has no killed/],
  ['walks that are none', { walks: '10' }, /^walks must be a whole number/],
  ['fewer walks than none', { walks: -1 }, /^walks must be a whole number/],
  ['a seed that is no whole number', { seed: 0.5 }, /^seed must be a whole number/],
  ['a capability that is no boolean', { supports: { kill: 1 } }, /^supports.kill must be/],
])('%s', (_, options, why) => {
  const good: WalSuite = { test: () => {}, factory: place };
  expect(() => walSuite({ ...good, ...options } as Bad)).toThrow(TypeError);
  expect(() => walSuite({ ...good, ...options } as Bad)).toThrow(why);
});

test.each([
  ['kill', 'crash'],
  ['powerCut', 'crash'],
  ['failedWrites', 'failWrite'],
])('%s without %s in the place', async (capability, method) => {
  const bodies: (() => Promise<void>)[] = [];
  walSuite({
    factory: place,
    supports: { permanence: false, [capability]: true },
    test: (_, body) => bodies.push(body),
  });
  const outcomes = await Promise.allSettled(bodies.map((body) => body()));
  const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(reasons).toContainEqual(
    expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(method) }),
  );
});
