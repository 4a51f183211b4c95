import assert from 'node:assert/strict';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { SluiceError } from 'sluice';
import { describe, expect, test } from 'vitest';
import { swapFours } from '#sluice/services/points/float32-bytes.js';
import { PointOperationCodec } from '#sluice/services/points/operation-codec.js';
import { PAYLOAD_INDEX_TYPES, type PointOperation } from '#sluice/services/points/operations.js';
import {
  buildClearPayload,
  buildCreatePayloadIndex,
  buildDelete,
  buildDeletePayload,
  buildDeletePayloadIndex,
  buildOverwritePayload,
  buildSetPayload,
  buildUpdateVectors,
  buildUpsert,
} from '#sluice/services/points/validate.js';
import { clockTag, component, filter, path, payload, pointId } from './arbitraries.js';

const DIMENSIONS = 3;
const codec = new PointOperationCodec(DIMENSIONS);

const vector = fc.array(component, { minLength: DIMENSIONS, maxLength: DIMENSIONS });
const selector = fc.oneof(fc.array(pointId, { maxLength: 5 }), fc.record({ filter }));
const tag = fc.option(clockTag, { nil: undefined });
const objectPath = path.filter((key) => !key.includes('[]'));

const operation: fc.Arbitrary<PointOperation> = fc.oneof(
  fc
    .tuple(fc.array(fc.record({ id: pointId, vector, payload }), { maxLength: 6 }), tag)
    .map(([points, by]) => buildUpsert(points, DIMENSIONS, by)),
  fc
    .tuple(fc.array(fc.record({ id: pointId, vector }), { maxLength: 6 }), tag)
    .map(([points, by]) => buildUpdateVectors(points, DIMENSIONS, by)),
  fc.tuple(selector, tag).map(([of, by]) => buildDelete(of, by)),
  fc
    .tuple(payload, selector, fc.option(objectPath, { nil: undefined }), tag)
    .map(([patch, of, key, by]) => buildSetPayload(patch, of, key, by)),
  fc.tuple(payload, selector, tag).map(([patch, of, by]) => buildOverwritePayload(patch, of, by)),
  fc
    .tuple(fc.array(path, { maxLength: 3 }), selector, tag)
    .map(([keys, of, by]) => buildDeletePayload(keys, of, by)),
  fc.tuple(selector, tag).map(([of, by]) => buildClearPayload(of, by)),
  fc
    .tuple(path, fc.constantFrom(...PAYLOAD_INDEX_TYPES), tag)
    .map(([key, type, by]) => buildCreatePayloadIndex(key, type, by)),
  fc.tuple(path, tag).map(([key, by]) => buildDeletePayloadIndex(key, by)),
);

/** The code of the SluiceError that decoding throws; undefined when the bytes are an operation. */
function decodeError(data: Uint8Array): string | undefined {
  try {
    codec.decode(data);
    return undefined;
  } catch (error) {
    assert(error instanceof SluiceError, `an error without a code: ${error}`);
    return error.code;
  }
}

describe('an operation', () => {
  test('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(operation, (original) => {
        assert.deepStrictEqual(codec.decode(codec.encode(original)), original);
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps what UTF-8 and plain assignment lose', () => {
    const text = '{"__proto__":{"\\ud800":"\\udfff"},"constructor":[]}';
    const original = buildUpsert(
      [{ id: '😀', vector: [-0, 1e-45, 3], payload: JSON.parse(text) }],
      3,
    );
    const decoded = codec.decode(codec.encode(original));
    assert.deepStrictEqual(decoded, original);
    assert(decoded.kind === 'upsert');
    expect(JSON.stringify(decoded.payloads[0])).toBe(text);
    expect(Object.is(decoded.vectors[0], -0)).toBe(true);
  });

  test('is decoded into memory of its own, from bytes at any offset', () => {
    const encoded = codec.encode(buildUpsert([{ id: 1, vector: [1, 2, 3] }], DIMENSIONS));
    for (let offset = 0; offset < 4; offset++) {
      const data = new Uint8Array(encoded.length + offset).subarray(offset);
      data.set(encoded);
      const decoded = codec.decode(data);
      data.fill(0);
      assert(decoded.kind === 'upsert');
      expect(decoded.vectors).toEqual(new Float32Array([1, 2, 3]));
      expect(decoded.vectors.buffer.byteLength).toBe(12);
    }
  });

  test('may be a view into a larger slab', () => {
    const vectors = new Float32Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const encoded = codec.encode({ kind: 'updateVectors', ids: [7], vectors });
    expect(codec.decode(encoded)).toEqual({ kind: 'updateVectors', ids: [7], vectors });
  });

  test('whose columns do not fit each other is not encoded', () => {
    const vectors = new Float32Array(2 * DIMENSIONS);
    const code = expect.objectContaining({ code: 'SLUICE_BAD_VECTOR' });
    const encode = (of: PointOperation) => () => codec.encode(of);
    expect(encode({ kind: 'upsert', ids: [1], vectors, payloads: [{}] })).toThrowError(code);
    expect(encode({ kind: 'upsert', ids: [1, 2], vectors, payloads: [{}] })).toThrowError(code);
    expect(encode({ kind: 'updateVectors', ids: [1], vectors })).toThrowError(code);
  });
});

describe('bytes that are no operation', () => {
  test('give a coded error and no other, whatever was changed', () => {
    const mutation = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        operation,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (of, mutations) => {
          const data = Uint8Array.from(codec.encode(of));
          for (const [at, byte] of mutations) data[at % data.length] = byte;
          const code = decodeError(data);
          expect([undefined, 'SLUICE_DAMAGED', 'SLUICE_FORMAT_UNKNOWN']).toContain(code);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('are damaged when they are cut short, extended or random', () => {
    const data = codec.encode(buildUpsert([{ id: 'a', vector: [1, 2, 3] }], DIMENSIONS));
    for (let length = 0; length < data.length; length++) {
      expect(decodeError(data.subarray(0, length))).toBe('SLUICE_DAMAGED');
    }
    expect(decodeError(Uint8Array.from([...data, 0]))).toBe('SLUICE_DAMAGED');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (random) => {
        expect(decodeError(random)).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[string, unknown]>([
    ['an object', { version: 1 }],
    ['a missing column', [1, 'upsert', [1], null, '{"payloads":[{}]}']],
    ['a bad id', [1, 'upsert', [-1], new Uint8Array(12), '{"payloads":[{}]}']],
    ['too few vectors', [1, 'upsert', [1], new Uint8Array(8), '{"payloads":[{}]}']],
    ['too few payloads', [1, 'upsert', [1], new Uint8Array(12), '{"payloads":[]}']],
    ['a payload that is none', [1, 'upsert', [1], new Uint8Array(12), '{"payloads":[[]]}']],
    ['vectors as text', [1, 'upsert', [1], 'x', '{"payloads":[{}]}']],
    ['a bad filter', [1, 'delete', null, null, '{"filter":{"most":[]}}']],
    ['no selector', [1, 'delete', null, null, '{}']],
    ['a bad tag', [1, 'delete', [1], null, '{"clockTag":{}}']],
    ['too few texts', [2, 'upsert', [1], new Uint8Array(12), '{}', new Uint8Array(2), []]],
    ['a text cut short', [2, 'upsert', [1], new Uint8Array(12), '{}', new Uint8Array(2), [3]]],
    ['no texts', [2, 'upsert', [1], new Uint8Array(12), '{}']],
    ['text that is no JSON', [1, 'delete', [1], null, '{']],
    ['no version', ['1', 'delete', [1], null, '{}']],
  ])('%s is damaged', (_name, envelope) => {
    expect(decodeError(pack(envelope))).toBe('SLUICE_DAMAGED');
  });

  test('of the first version are read', () => {
    const rest = '{"payloads":[{"a":"\\ud800"},{"__proto__":"é"}]}';
    const vectors = new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
    const old = codec.decode(pack([1, 'upsert', [1, 'b'], vectors, rest]));
    assert(old.kind === 'upsert');
    expect(old.ids).toEqual([1, 'b']);
    expect(JSON.stringify({ payloads: old.payloads })).toBe(rest);
  });

  test('another version or kind is told apart from damage', () => {
    expect(decodeError(pack([3, 'delete', [1], null, '{}']))).toBe('SLUICE_FORMAT_UNKNOWN');
    expect(decodeError(pack([1, 'renamed', [1], null, '{}']))).toBe('SLUICE_FORMAT_UNKNOWN');
  });
});

test('bytes of float32 numbers are turned round in groups of four', () => {
  const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(swapFours(bytes)).toEqual(Uint8Array.from([4, 3, 2, 1, 8, 7, 6, 5]));
  expect(swapFours(swapFours(bytes))).toEqual(bytes);
});
