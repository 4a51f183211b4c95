import type { StoreMessage } from '../../src/inspect/messages.js';
import { countText, sizeText } from '../text.js';

/** The window of the log, the queue before it, and the flushes behind it. */
export function Log({ store }: { store: StoreMessage }) {
  const { log, queue, flush, operations, budgets } = store;
  const first = log.acked + 1;
  const length = Math.max(log.last - log.acked, 1);
  const share = (upTo: number) => Math.min(Math.max((upTo - log.acked) / length, 0), 1) * 100;
  const isEmpty = log.last === log.acked;
  const window = isEmpty
    ? `empty; ${countText(log.acked)} forgotten`
    : `${countText(first)} … ${countText(log.last)}`;
  return (
    <section aria-labelledby="log">
      <h2 id="log">Log</h2>
      <p class="window">{window}</p>
      <svg class="wal" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="10" />
        <rect class="applied" width={share(log.applied)} height="10" />
        <rect class="committed" width={share(flush.committed)} height="10" />
      </svg>
      <dl class="facts">
        <Fact what="applied (waterline)" value={countText(log.applied)} />
        <Fact what="on disk" value={countText(flush.committed)} />
        <Fact what="size" value={sizeText(queue.walBytes)} />
        <Fact what="kept from" value={log.keepFrom === null ? '–' : countText(log.keepFrom)} />
        <Fact what="queue" value={`${countText(queue.entries)} (${sizeText(queue.bytes)})`} />
        <Fact what="waiting for room" value={countText(queue.waiting)} />
        <Fact what="declined" value={countText(operations.declined)} />
        <Fact what="flush" value={`${flush.rounds} rounds, last ${Math.round(flush.lastMs)} ms`} />
        <Fact what="permits I/O" value={`${budgets.io.used} of ${budgets.io.total}`} />
        <Fact what="permits CPU" value={`${budgets.cpu.used} of ${budgets.cpu.total}`} />
      </dl>
    </section>
  );
}

function Fact({ what, value }: { what: string; value: string }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>{value}</dd>
    </div>
  );
}
