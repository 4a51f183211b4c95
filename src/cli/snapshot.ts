import type { Command } from 'commander';
import { type Context, describeOpening, withCollection } from './context.js';
import { Progress } from './progress.js';
import { counted } from './text.js';

const HELP = `
DIR must not be there, or be empty. It becomes a collection of its own, with the exact effects of
the first operations of DB up to one that is named in the result. To restore it, open or copy DIR.`;

/** `sluice snapshot DB DIR`: writes a copy of a collection. */
export function snapshotCommand(program: Command, context: Context): void {
  describeOpening(program, 'snapshot', 'write a copy of the collection into a new directory')
    .argument('<db>', 'directory of the collection')
    .argument('<dir>', 'directory of the copy')
    .addHelpText('after', HELP)
    .action((path: string, target: string) => snapshot(context, path, target));
}

async function snapshot(context: Context, path: string, target: string): Promise<void> {
  const { host, output } = context;
  await withCollection(context, path, async (collection) => {
    const startedAt = host.clock.now();
    const progress = new Progress(context);
    try {
      const { signal } = host;
      const onProgress = ({ done, total }: { done: number; total: number }) =>
        progress.show('snapshot', done, total, 'rows');
      const result = await collection.snapshot(target, { signal, onProgress });
      const seconds = (host.clock.now() - startedAt) / 1000;
      output.result({ ...result, seconds }, () => {
        const what = `${counted(result.points, 'point')} as of operation ${result.opNum}`;
        return `${what} in ${result.path}, ${seconds.toFixed(1)} s`;
      });
    } finally {
      progress.stop();
    }
  });
}
