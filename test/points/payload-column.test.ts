import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { decodeRows, encodeRows } from '#sluice/services/points/blocks.js';
import { Pace } from '#sluice/services/points/pace.js';
import { PayloadColumn } from '#sluice/services/points/payload-column.js';
import {
  encodePayload,
  type PackedTexts,
  packPayloads,
  parsePayload,
  readTexts,
  textsOf,
} from '#sluice/services/points/payload-text.js';
import { Segment } from '#sluice/services/points/segment.js';
import { payload } from './arbitraries.js';

const damaged = expect.objectContaining({ code: 'SLUICE_DAMAGED' });

describe('a column of payloads', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ add: payload, times: fc.nat(60) }) },
      { weight: 5, arbitrary: fc.record({ load: fc.array(payload, { maxLength: 300 }) }) },
      { weight: 1, arbitrary: fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    ),
    { maxLength: 30 },
  );

  it('has what was pushed and not taken back', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const column = new PayloadColumn();
        const expected: string[] = [];
        for (const step of taken) {
          if ('add' in step) {
            for (let time = 0; time < step.times; time += 1) {
              column.push(encodePayload(step.add));
              expected.push(JSON.stringify(step.add));
            }
          } else if ('load' in step) {
            column.takeIn(packPayloads(step.load));
            expected.push(...step.load.map((of) => JSON.stringify(of)));
          } else {
            expected.length = Math.floor(expected.length * step.keep);
            column.truncate(expected.length);
          }
          // Keeps some rows parsed, which must go when they are taken back.
          for (let row = 0; row < expected.length; row += 7) column.at(row);
        }
        expect(column.length).toBe(expected.length);
        for (const [row, text] of expected.entries()) {
          expect(JSON.stringify(column.peek(row))).toBe(text);
          expect(JSON.stringify(column.at(row))).toBe(text);
          expect(JSON.stringify(column.read(row))).toBe(text);
        }
        const from = expected.length >> 2;
        const { bytes, lengths } = column.pack(from, expected.length);
        const texts = textsOf(readTexts(bytes, lengths, expected.length - from));
        expect(texts.map((text) => JSON.stringify(parsePayload(text)))).toEqual(
          expected.slice(from),
        );
      }),
    );
  });

  it('gives each reader a payload of its own', () => {
    const column = new PayloadColumn();
    column.push(encodePayload({ list: [1] }));
    expect(column.read(0)).toEqual({ list: [1] });
    expect(column.read(0)).not.toBe(column.read(0));
    expect(column.at(0)).toBe(column.at(0));
  });

  it('asks for a later attempt when there is no memory, and is as it was', () => {
    const column = new PayloadColumn();
    column.push(encodePayload({ a: 1 }));
    // No machine has memory for a text of this length.
    const endless = Object.defineProperty(new Uint8Array(), 'length', { value: 2 ** 52 });
    expect(() => column.push(endless)).toThrowError(
      expect.objectContaining({ code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'transient' }),
    );
    column.push(encodePayload({ b: 2 }));
    expect([column.length, column.read(0), column.read(1)]).toEqual([2, { a: 1 }, { b: 2 }]);
  });
});

describe('texts of payloads', () => {
  it('keep lone surrogates, __proto__ and a byte order mark', () => {
    const text = '{"__proto__":{"\\ud800":"\\udfff"},"\ufeff":"é😀"}';
    const { bytes, lengths } = packPayloads([JSON.parse(text), {}]);
    const [first, second] = textsOf(readTexts(bytes, lengths, 2)).map(parsePayload);
    expect(JSON.stringify(first)).toBe(text);
    expect(second).toEqual({});
  });

  it.each(['', '{', '[]', 'null', '"a"', '{"a":1}x'])(
    'that are no payload are damage: %s',
    (text) => {
      expect(() => parsePayload(new TextEncoder().encode(text))).toThrowError(damaged);
    },
  );

  it('that are no UTF-8 are damage', () => {
    expect(() => parsePayload(Uint8Array.from([0x7b, 0xff, 0x7d]))).toThrowError(damaged);
  });
});

describe('a block of rows', () => {
  const vectors = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const old = { ids: [1, 'b'], payloads: '[{"a":"é"},{}]', insertedAt: [1, 2], vectors };

  async function blockOf(payloads: readonly object[]): Promise<Uint8Array> {
    const segment = new Segment(1, { dimensions: 2, distance: 'dot' });
    for (const [id, of] of payloads.entries()) {
      const row = { id, payload: encodePayload({ ...of }), insertedAt: id + 1 };
      segment.append(row, Float32Array.of(id, 0));
    }
    const blocks = encodeRows(segment, 0, segment.rows, new Pace(systemClock));
    for await (const { data } of blocks) return data;
    throw new Error('there is a block');
  }

  const parsed = ({ bytes, lengths }: PackedTexts) => textsOf({ bytes, lengths }).map(parsePayload);

  it('of the first version is read', () => {
    const { ids, payloads, insertedAt } = decodeRows(pack(old), 2);
    expect({ ids, insertedAt }).toEqual({ ids: [1, 'b'], insertedAt: [1, 2] });
    expect(parsed(payloads)).toEqual([{ a: 'é' }, {}]);
  });

  it('has the payloads as they were', async () => {
    const written = [{ a: 'é\ud800' }, {}, { b: [1, { c: null }] }];
    const { payloads } = decodeRows(await blockOf(written), 2);
    expect(parsed(payloads)).toEqual(written);
  });

  it('whose texts do not fit is damaged, one of a later version unknown', async () => {
    const good = unpack(await blockOf([{ a: 1 }, {}]));
    const changed = (change: object) => () => decodeRows(pack({ ...good, ...change }), 2);
    expect(changed({})).not.toThrow();
    for (const lengths of [[7], [7, 3], [7, 1], [9, 0.5], [10, -1], undefined]) {
      expect(changed({ lengths })).toThrowError(damaged);
    }
    expect(changed({ payloads: '{"a":1}{}' })).toThrowError(damaged);
    for (const later of [{ version: 3 }, { version: 3, vectors: undefined, ids: 'others' }]) {
      expect(changed(later)).toThrowError(
        expect.objectContaining({ code: 'SLUICE_FORMAT_UNKNOWN' }),
      );
    }
    for (const payloads of ['[{},1]', '[{}', '{}', '[{}]', undefined]) {
      expect(() => decodeRows(pack({ ...old, payloads }), 2)).toThrowError(damaged);
    }
  });
});
