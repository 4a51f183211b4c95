import type { Command } from 'commander';
import { SluiceError } from '../errors.js';
import { sleep } from '../services/clock.js';
import { PHASE_TEXT, reasonText } from '../services/status-text.js';
import { type Context, describeOpening, withCollection } from './context.js';
import type { CollectionHandle } from './facade.js';
import { Progress } from './progress.js';
import { counted } from './text.js';

const SHOW_INTERVAL_MS = 100;

/** `sluice optimize DB`: runs the optimizers until none has anything to do. */
export function optimizeCommand(program: Command, context: Context): void {
  describeOpening(program, 'optimize', 'run the optimizers until none has anything to do')
    .argument('<db>', 'directory of the collection')
    .action((path: string) => optimize(context, path));
}

async function optimize(context: Context, path: string): Promise<void> {
  const { host, output } = context;
  await withCollection(context, path, async (collection) => {
    const startedAt = host.clock.now();
    const segmentsBefore = collection.info().segments.length;
    const shown = new AbortController();
    const showing = showRunning(context, collection, shown.signal);
    try {
      await collection.optimize({ signal: host.signal });
    } finally {
      shown.abort();
      await showing;
    }
    const seconds = (host.clock.now() - startedAt) / 1000;
    const segmentsAfter = collection.info().segments.length;
    const { color, reasons } = collection.status();
    output.result({ status: color, reasons, segmentsBefore, segmentsAfter, seconds }, () => {
      const segments = `${counted(segmentsBefore, 'segment')} → ${segmentsAfter}`;
      return `${color}: ${segments}, ${seconds.toFixed(1)} s`;
    });
    if (color === 'green') return;
    const why = reasons.map(reasonText).join('; ');
    throw new SluiceError('SLUICE_DECLINED', `there is work that nothing starts: ${why}`);
  });
}

/** One bar for each running optimization, until the signal fires. */
async function showRunning(
  context: Context,
  collection: CollectionHandle,
  signal: AbortSignal,
): Promise<void> {
  const progress = new Progress(context);
  while (!signal.aborted) {
    const titles = new Set<string>();
    for (const { optimizer, segmentIds, phase, progress: of } of collection.optimizations()
      .running) {
      const title = `${optimizer} ${segmentsText(segmentIds)}`;
      titles.add(title);
      // Indexing begins when everything has been copied: the bar begins anew.
      const done = phase === 'indexing' ? of.indexed : of.copied;
      progress.show(title, done, of.total, 'points', PHASE_TEXT[phase]);
    }
    progress.keepOnly(titles);
    await sleep(context.host.clock, SHOW_INTERVAL_MS, signal);
  }
  progress.stop();
}

/** No two runs have a segment in common, so that the lowest and the highest id tell them apart. */
function segmentsText(segmentIds: readonly number[]): string {
  const ids = segmentIds.toSorted((one, other) => one - other);
  return ids.length <= 3 ? ids.join('+') : `${ids[0]}…${ids.at(-1)} (${ids.length} segments)`;
}
