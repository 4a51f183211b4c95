// Whatever is typed or piped into the command: an exit code, and one clear line when it failed.
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { openCollection } from 'sluice';
import { expect, onTestFinished, test } from 'vitest';
import { FakeCollection } from '../cli/support/fake-collection.js';
import { type Outcome, sluice } from '../cli/support/host.js';
import { jsonValue, payload, pointId } from '../points/arbitraries.js';
import { inputs } from './support/contract.js';

const DIMENSIONS = 2;

/** One line on stderr that says what is wrong; no stack, and nothing that JavaScript says of accidents. */
function expectClear({ code, stderr }: Outcome): void {
  expect([0, 1, 2]).toContain(code);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toMatch(/Cannot read|is not a function|is not iterable|undefined is not/);
  if (code === 0) return;
  const lines = stderr.split('\n').filter((line) => line !== '' && !/^(Usage|Try)/.test(line));
  expect(lines.length).toBeGreaterThan(0);
}

const word = fc.oneof(
  fc.constantFrom(
    ...['ingest', 'search', 'get', 'info', 'optimize', 'verify', 'snapshot', 'db', '-', '--'],
    ...['--json', '--id', '--vector', '--limit', '--filter', '--ef', '--exact', '--with-vector'],
    ...['--dimensions', '--distance', '--batch', '--no-wait', '1', '[1,2]', '-1', '0', '{}', 'NaN'],
    ...['{"must":[]}', '{"must":[{}]}', '1e999', 'cosine', '[', '__proto__', '--constructor', ''],
  ),
  fc.string({ maxLength: 8 }),
);

test('any words after the command', async () => {
  const collection = new FakeCollection();
  collection.dimensions = DIMENSIONS;
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (argv) => {
      // No file of this name, and none is made.
      const words = argv.map((one) => (one === 'db' ? 'no such directory/db' : one));
      expectClear(
        await sluice(words, {
          openCollection: collection.open,
          verifyStore: () => Promise.resolve({ isGood: true, problems: [] } as never),
        }),
      );
    }),
    inputs(250),
  );
});

const goodLine = fc
  .record({ id: pointId, vector: fc.constant([1, 2]), payload })
  .map((point) => JSON.stringify(point));
const badLine = fc.oneof(
  fc.string(),
  jsonValue.map((value) => JSON.stringify(value)),
  fc.constantFrom(
    ...['{', '{"id":1}', '{"id":1,"vector":[1]}', '{"id":1,"vector":[1,2],"id":2}', '[]', 'null'],
    ...['{"id":1,"vector":[1,null]}', '{"id":-1,"vector":[1,2]}', '{"id":1,"vector":[1,1e999]}'],
    ...['\u0000', '\ufeff{}', '{"id":1,"vector":[1,2],"payload":[]}', '{"id":1,"vector":"12"}'],
  ),
);

test('any lines into ingest: all good ones before the first bad one may be there, no other', async () => {
  const collection = await openCollection(
    {
      wal: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
      segments: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
    },
    { dimensions: DIMENSIONS },
  );
  onTestFinished(() => collection.close());
  // The command closes what it opens: this one stays open for the next.
  const shared = async () =>
    new Proxy(collection, {
      get(target, name) {
        if (name === 'close') return async () => {};
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  const lines = fc.array(fc.oneof({ weight: 4, arbitrary: goodLine }, badLine), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lines, async (texts) => {
      const before = collection.info().wal.last;
      const outcome = await sluice(['ingest', 'db', '-', '--batch', '2'], {
        openCollection: shared,
        stdin: Readable.from([Buffer.from(texts.join('\n'))]),
      });
      expectClear(outcome);
      const written = collection.info().wal.last - before;
      expect(written).toBeLessThanOrEqual(Math.ceil(texts.length / 2));
    }),
    inputs(175),
  );
  expect(collection.status().errors).toEqual([]);
});
