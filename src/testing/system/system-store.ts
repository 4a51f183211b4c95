import type { SegmentInfo } from '../../services/ports.js';
import type { UpdateHandlerOptions } from '../../update-handler-options.js';
import type { Ports } from './recorded-ports.js';

/** Settings that a store has of its own beside its ports, such as a codec. */
export type StoreOptions<Op, Info extends SegmentInfo> = Partial<UpdateHandlerOptions<Op, Info>>;

/** What readers see, or a model of it: values by key. */
export type Content = ReadonlyMap<string, string>;

/** One opening of a store that is tested as a whole. */
export interface OpenedStore<Op, Info extends SegmentInfo = SegmentInfo> {
  ports: Ports<Op, Info>;
  /** @default those of `createUpdateHandler` */
  options?: StoreOptions<Op, Info>;
  /** Every entry that readers see now; an id that is visible twice is there twice. */
  content(): Iterable<readonly [key: string, value: string]>;
  /** Segments that are frozen now. */
  frozen(): number;
}

/** A store to be tested as a whole: how it is opened, and what its operations mean. */
export interface SystemStore<Op, Info extends SegmentInfo = SegmentInfo> {
  /**
   * New adapters on the same storage, not opened yet. Called again after the ones before were
   * closed, or dropped: what they hold of the storage is then given up here.
   */
  attach(): Promise<OpenedStore<Op, Info>>;
  /** The operation for a mark, always the same one; it carries its mark. */
  operation(mark: string): Op;
  /** An operation that the codec refuses. */
  badOperation(): Op;
  markOf(operation: Op): string;
  decode(data: Uint8Array): Op;
  /** What the operation does, told by something simpler than the store; throws what is declined. */
  fold(content: Map<string, string>, operation: Op): void;
}
