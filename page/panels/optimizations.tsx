import { useState } from 'preact/hooks';
import type { StoreMessage } from '../../src/inspect/messages.js';
import { PHASE_TEXT } from '../../src/services/status-text.js';
import type { Tracker } from '../../src/services/tracker-log.js';
import { command } from '../connection.js';
import { countText } from '../text.js';

/** What the optimizers do, will do and have done. */
export function Optimizations({ store, mayControl }: { store: StoreMessage; mayControl: boolean }) {
  const { running, queued, completed } = store;
  const isIdle = running.length + queued.length === 0;
  return (
    <section aria-labelledby="optimizations">
      <h2 id="optimizations">Optimizations</h2>
      {isIdle && <p class="about">none is running or planned</p>}
      <ul class="runs">
        {running.map((run) => (
          <Run key={run.segmentIds.join()} run={run} mayControl={mayControl} />
        ))}
        {queued.map(({ optimizer, segmentIds }) => (
          <li key={`queued ${segmentIds.join()}`}>
            <span class="name">{optimizer}</span> {segmentIds.join(' + ')}{' '}
            <span class="state">planned</span>
          </li>
        ))}
        {completed.map((run) => (
          <li key={`${run.startedAt} ${run.segmentIds.join()}`} class="ended">
            <span class="name">{run.optimizer}</span> {run.segmentIds.join(' + ')}{' '}
            <span class={`state ${run.status.state}`}>{endText(run)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Run({ run, mayControl }: { run: Tracker; mayControl: boolean }) {
  const [problem, setProblem] = useState<string>();
  const { optimizer, segmentIds, phase, progress } = run;
  const title = `${optimizer} ${segmentIds.join(' + ')}`;
  const isIndexing = phase === 'indexing';
  const done = isIndexing ? progress.indexed : progress.copied;
  const total = Math.max(progress.total, 1);
  return (
    <li>
      <span class="name">{optimizer}</span> {segmentIds.join(' + ')}{' '}
      <span class="state">
        {PHASE_TEXT[phase]} · {countText(done)} of {countText(progress.total)} points
      </span>
      <progress aria-label={title} value={Math.min(done, total)} max={total} />
      {mayControl && (
        <button
          type="button"
          aria-label={`Cancel ${title}`}
          onClick={() => void command(['cancel', String(segmentIds[0])]).then(setProblem)}
        >
          Cancel
        </button>
      )}
      {problem !== undefined && <p role="alert">{problem}</p>}
    </li>
  );
}

function endText({ status, startedAt, endedAt = startedAt }: Tracker): string {
  const seconds = `${((endedAt - startedAt) / 1000).toFixed(2)} s`;
  if (status.state === 'cancelled') return `cancelled: ${status.why}`;
  if (status.state === 'error') return `failed: ${status.error}`;
  return `done in ${seconds}`;
}
