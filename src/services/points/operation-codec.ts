import { Packr } from 'msgpackr';
import { errorText, SluiceError, toSluiceError } from '../../errors.js';
import type { Payload, PointId, PointSelector } from '../../types.js';
import type { OperationCodec } from '../ports.js';
import { checkId } from './check-id.js';
import { bytesToFloat32, float32ToBytes } from './float32-bytes.js';
import { isJsonObject, type JsonObject } from './json.js';
import { type PointOperation, selectsIds } from './operations.js';
import { packPayloads, readTexts } from './payload-text.js';
import { packedTexts, storedUpsert } from './stored-upsert.js';
import { checkClockTag } from './update-options.js';
import {
  buildClearPayload,
  buildCreatePayloadIndex,
  buildDelete,
  buildDeletePayload,
  buildDeletePayloadIndex,
  buildOverwritePayload,
  buildSetPayload,
} from './validate.js';

/** Version of the envelope. A reader takes the old one as well: it has payloads among the rest. */
const VERSION = 2;
const OLD_VERSION = 1;

/** No records and extensions of msgpackr: any MessagePack reader can read the envelope. */
const packer = new Packr({ useRecords: false, int64AsType: 'number' });

/**
 * What is in a record, as a MessagePack array: version, kind, ids, vectors as little-endian float32
 * bytes, everything else as JSON text, and of an upsert the payloads as JSON texts in one column
 * and their lengths in another. JSON, because it keeps what MessagePack loses: lone surrogates in
 * strings and a `__proto__` key.
 */
type Envelope = [
  version: number,
  kind: string,
  ids: readonly PointId[] | null,
  vectors: Uint8Array | null,
  rest: string,
  texts?: Uint8Array,
  lengths?: readonly number[],
];

/** The envelope as it was read, with its outer types checked. */
interface Parts {
  kind: string;
  ids: unknown;
  vectors: Uint8Array | null;
  rest: JsonObject;
  texts: unknown;
  lengths: unknown;
}

/**
 * Point operations as the bytes of a log record. Columnar: an upsert has one list of ids, one slab
 * of vectors and one run of texts with the payloads, which is many times faster than point by point.
 */
export class PointOperationCodec implements OperationCodec<PointOperation> {
  readonly #dimensions: number;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
  }

  /**
   * Encodes an operation made by a builder of `validate.ts`.
   * Errors: `SLUICE_BAD_VECTOR` when the columns don't fit each other or the collection,
   * `SLUICE_OPERATION_TOO_LARGE` when the text would be longer than a string can be.
   */
  encode(operation: PointOperation): Uint8Array {
    const { kind, ids = null, vectors = null, selector, ...rest } = fieldsOf(operation);
    const texts = operation.kind === 'upsert' ? packedTexts(operation) : undefined;
    if (ids !== null && vectors !== null) this.#checkColumns(ids, vectors, texts?.lengths.length);
    try {
      const byIds = selector !== undefined && selectsIds(selector);
      const envelope: Envelope = [
        VERSION,
        kind,
        byIds ? selector : ids,
        vectors && float32ToBytes(vectors),
        JSON.stringify(selector === undefined || byIds ? rest : { ...rest, ...selector }),
      ];
      if (texts !== undefined) envelope.push(texts.bytes, texts.lengths);
      return packer.pack(envelope);
    } catch (error) {
      throw toSluiceError(error, 'SLUICE_OPERATION_TOO_LARGE', 'the operation was not encoded');
    }
  }

  /**
   * The inverse of `encode`, in freshly allocated memory. Errors: `SLUICE_FORMAT_UNKNOWN` for
   * another version or kind, `SLUICE_DAMAGED` for everything else that `encode` doesn't write.
   */
  decode(data: Uint8Array): PointOperation {
    try {
      return this.#decodeParts(readEnvelope(data));
    } catch (error) {
      if (isOurs(error)) throw error;
      throw damaged(errorText(error), error);
    }
  }

  #decodeParts({ kind, ids, vectors, rest, texts, lengths }: Parts): PointOperation {
    const clockTag =
      rest.clockTag === undefined ? undefined : checkClockTag(rest.clockTag, 'clockTag');
    const tag = clockTag && { clockTag };
    const selector = ids ?? { filter: rest.filter };
    switch (kind) {
      case 'upsert': {
        const rows = this.#decodeRows(ids, vectors);
        return storedUpsert({ ...rows, ...tag }, readTexts(texts, lengths, rows.ids.length));
      }
      case 'updateVectors':
        return { kind, ...this.#decodeRows(ids, vectors), ...tag };
      case 'delete':
        return buildDelete(selector, clockTag);
      case 'setPayload':
        return buildSetPayload(rest.payload, selector, rest.key, clockTag);
      case 'overwritePayload':
        return buildOverwritePayload(rest.payload, selector, clockTag);
      case 'deletePayload':
        return buildDeletePayload(rest.keys, selector, clockTag);
      case 'clearPayload':
        return buildClearPayload(selector, clockTag);
      case 'createPayloadIndex':
        return buildCreatePayloadIndex(rest.key, rest.type, clockTag);
      case 'deletePayloadIndex':
        return buildDeletePayloadIndex(rest.key, clockTag);
      default:
        throw new SluiceError('SLUICE_FORMAT_UNKNOWN', `unknown kind of operation: ${kind}`);
    }
  }

  #decodeRows(
    ids: unknown,
    vectors: Uint8Array | null,
  ): { ids: readonly PointId[]; vectors: Float32Array } {
    if (!Array.isArray(ids) || vectors === null) throw damaged('a column is missing');
    for (let i = 0; i < ids.length; i++) ids[i] = checkId(ids[i], 'id');
    const sizeBytes = ids.length * this.#dimensions * Float32Array.BYTES_PER_ELEMENT;
    if (vectors.byteLength !== sizeBytes) {
      throw damaged(`${vectors.byteLength} bytes of vectors instead of ${sizeBytes}`);
    }
    return { ids, vectors: bytesToFloat32(vectors) };
  }

  #checkColumns(ids: readonly PointId[], vectors: Float32Array, payloads = ids.length): void {
    if (vectors.length === ids.length * this.#dimensions && payloads === ids.length) return;
    const problem = `${ids.length} ids with ${vectors.length} numbers and ${payloads} payloads`;
    throw new SluiceError(
      'SLUICE_BAD_VECTOR',
      `${problem} don't fit; the collection has ${this.#dimensions} dimensions`,
    );
  }
}

/** The fields that some operation has, of any operation. */
interface Fields {
  kind: string;
  ids?: readonly PointId[];
  vectors?: Float32Array;
  selector?: PointSelector;
  [field: string]: unknown;
}

/** All but the payloads of an upsert, which would be parsed. */
function fieldsOf(operation: PointOperation): Fields {
  if (operation.kind !== 'upsert') return { ...operation };
  const { kind, ids, vectors, clockTag } = operation;
  return { kind, ids, vectors, ...(clockTag && { clockTag }) };
}

function readEnvelope(data: Uint8Array): Parts {
  const envelope: unknown = packer.unpack(data);
  if (!Array.isArray(envelope)) throw damaged('the record is no envelope');
  const [version, kind, ids, vectors, text, texts, lengths]: unknown[] = envelope;
  const isKnown = version === VERSION || version === OLD_VERSION;
  if (Number.isSafeInteger(version) && !isKnown) {
    throw new SluiceError('SLUICE_FORMAT_UNKNOWN', `unknown version of operations: ${version}`);
  }
  if (!isKnown || typeof kind !== 'string' || typeof text !== 'string') {
    throw damaged('the record is no envelope');
  }
  if (vectors !== null && !(vectors instanceof Uint8Array)) throw damaged('vectors are no bytes');
  const rest: unknown = JSON.parse(text);
  if (!isJsonObject(rest)) throw damaged('the text is no object');
  const parts = { kind, ids, vectors, rest };
  if (version === VERSION) return { ...parts, texts, lengths };
  const { bytes, lengths: oldLengths } = packPayloads(readPayloads(rest.payloads ?? []));
  return { ...parts, texts: bytes, lengths: oldLengths };
}

/** Payloads were checked before they were encoded; what matters here is that the rows fit. */
function readPayloads(value: unknown): Payload[] {
  if (Array.isArray(value) && value.every(isJsonObject)) return value;
  throw damaged('its payloads are none');
}

function isOurs(error: unknown): boolean {
  if (!(error instanceof SluiceError)) return false;
  return error.code === 'SLUICE_DAMAGED' || error.code === 'SLUICE_FORMAT_UNKNOWN';
}

function damaged(problem: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `not an operation: ${problem}`, { cause });
}
