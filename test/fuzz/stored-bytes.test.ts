// Whatever is stored where Sluice's bytes should be: they are decoded, or there is a coded error.
import fc from 'fast-check';
import { pack } from 'msgpackr';
import type { Payload, PointOperation } from 'sluice';
import { beforeAll, describe, expect, test } from 'vitest';
import { deathsEntry, readDeaths } from '#sluice/services/level/deaths.js';
import { frame, type Kind, loadChecksum, unframe } from '#sluice/services/level/frame.js';
import { blockKey, DEATHS_KEY, MANIFEST_KEY, META_KEY } from '#sluice/services/level/keys.js';
import { manifestEntry, readManifest } from '#sluice/services/level/manifest.js';
import { decompress } from '#sluice/services/level/snappy.js';
import { metaEntry, readMeta } from '#sluice/services/level/wal-meta.js';
import { decodeRows, decodeStamps, type RowsBlock } from '#sluice/services/points/blocks.js';
import { checkManifest, type ManifestBody } from '#sluice/services/points/manifest.js';
import { PointOperationCodec } from '#sluice/services/points/operation-codec.js';
import { packPayloads, parsePayload, textsOf } from '#sluice/services/points/payload-text.js';
import { buildDelete, buildUpsert } from '#sluice/services/points/validate.js';
import { filter, payload, pointId } from '../points/arbitraries.js';
import { damaged } from './support/awkward.js';
import { attempt, inputs } from './support/contract.js';

const DIMENSIONS = 2;
const STORE_ID = 'a'.repeat(32);
const BLOCK = blockKey('b'.repeat(16), 1);
const codec = new PointOperationCodec(DIMENSIONS);

const ids = fc.uniqueArray(pointId, { maxLength: 4 });
const operations = fc.oneof(
  fc
    .array(fc.record({ id: pointId, vector: fc.constant([1, 2]), payload }), { maxLength: 3 })
    .map((points) => codec.encode(buildUpsert(points, DIMENSIONS))),
  filter.map((where) => codec.encode(buildDelete({ filter: where }))),
);
const rows = fc.tuple(ids, payload, fc.boolean()).map(([of, one, isOld]) =>
  pack({
    ids: of,
    ...payloadColumns(
      of.map(() => one),
      isOld,
    ),
    insertedAt: of.map((_, at) => at + 1),
    vectors: new Uint8Array(of.length * DIMENSIONS * 4),
  }),
);
const stamps = fc.array(fc.nat(9), { maxLength: 5 }).map((of) => pack({ rows: of, deletedAt: of }));
const tick = { peerId: 1, clockId: 2, tick: 3 };
const manifests = fc.integer({ min: 3, max: 9 }).map((applied) =>
  pack({
    ...{ format: 1, storeId: STORE_ID, blocks: [BLOCK] },
    body: {
      ...{ applied, dimensions: DIMENSIONS, distance: 'cosine', configuration: {}, clocks: [tick] },
      ...{ schema: [['a', 'integer']], nextSegmentId: 2 },
      notes: {
        ...{ declined: [1, 2], forgotten: [tick], untagged: false },
        changes: [{ first: 1, last: 3, ticks: [tick], untagged: true }],
      },
      segments: [
        { id: 1, live: 1, opNumMax: 2, rows: [{ key: BLOCK, bytes: 9, count: 1 }], stamps: [] },
      ],
    },
  }),
);
const metas = fc.nat(9).map((acked) => pack({ format: 1, storeId: STORE_ID, acked, synced: 9 }));

/** A literal, a copy that reaches into itself, one from the beginning; see Snappy's description. */
const snappy = fc.constant(
  Uint8Array.of(18, 3 << 2, 1, 2, 3, 4, (4 << 2) | 1, 2, (5 << 2) | 2, 12, 0),
);

/** Each kind of stored bytes: good ones, and how they are read. */
const DECODERS: [name: string, good: fc.Arbitrary<Uint8Array>, read: (data: Uint8Array) => void][] =
  [
    ['an operation', operations, (data) => readsAll(codec.decode(data))],
    ['rows', rows, (data) => readsAllPayloads(decodeRows(data, DIMENSIONS))],
    ['stamps', stamps, (data) => decodeStamps(data)],
    ['a manifest', manifests, readsFramed(MANIFEST_KEY, 'manifest', readPointManifest)],
    ["the log's meta record", metas, readsFramed(META_KEY, 'walMeta', readMeta)],
    ['what Snappy has compressed', snappy, (data) => decompress(Buffer.from(data))],
    ['a death count', fc.constant(pack(3)), readsFramed(DEATHS_KEY, 'deaths', readDeaths)],
  ];

function readsAllPayloads({ payloads: { bytes, lengths } }: RowsBlock): void {
  textsOf({ bytes, lengths }).forEach(parsePayload);
}

/** The columns with the payloads, as they are written or as they were before. */
function payloadColumns(payloads: Payload[], isOld: boolean) {
  if (isOld) return { payloads: JSON.stringify(payloads) };
  const { bytes, lengths } = packPayloads(payloads);
  return { version: 2, payloads: bytes, lengths };
}

/** Payloads are parsed when they are looked at. */
function readsAll(operation: PointOperation): void {
  if (operation.kind === 'upsert') expect(operation.payloads).toHaveLength(operation.ids.length);
}

/** Under a good checksum: what a program of another version, or with a defect, could have written. */
function readsFramed(key: string, kind: Kind, read: (value: Uint8Array) => unknown) {
  return (data: Uint8Array) => void read(frame(key, kind, data));
}

function readPointManifest(value: Uint8Array): void {
  checkManifest(readManifest(value).body as ManifestBody);
}

beforeAll(loadChecksum);

describe('bytes that are not what they should be', () => {
  test.each(DECODERS)('in the place of %s', async (_, good, read) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged(good), fc.uint8Array({ maxLength: 80 })), async (data) => {
        const error = await attempt(() => read(data));
        if (error === undefined) return;
        expect(error).toMatchObject({
          code: expect.stringMatching(/^SLUICE_(DAMAGED|FORMAT_UNKNOWN)$/),
        });
      }),
      inputs(400),
    );
  });

  test('under a checksum that does not fit are never taken for others', async () => {
    const entries: [string, Kind, Uint8Array][] = [
      [...named(MANIFEST_KEY, 'manifest'), manifestEntry(someManifest)[1]],
      [...named(META_KEY, 'walMeta'), metaEntry({ storeId: STORE_ID, acked: 1, synced: 2 })[1]],
      [...named(DEATHS_KEY, 'deaths'), deathsEntry(2)[1]],
      [...named(BLOCK, 'block'), frame(BLOCK, 'block', new Uint8Array(50))],
    ];
    const bad = fc
      .constantFrom(...entries)
      .chain(([key, kind, good]) =>
        damaged(fc.constant(good)).map((value) => ({ key, kind, good, value })),
      );
    await fc.assert(
      fc.asyncProperty(bad, async ({ key, kind, good, value }) => {
        let read: Uint8Array | undefined;
        await attempt(() => {
          read = unframe(key, kind, value);
        });
        if (read !== undefined) expect(value).toEqual(good);
      }),
      inputs(400),
    );
  });
});

const someManifest = { storeId: STORE_ID, body: {}, blocks: [BLOCK] };
const named = (key: string, kind: Kind): [string, Kind] => [key, kind];
