import { type Command, InvalidArgumentError } from 'commander';
import type { PageServer } from '../inspect/page-server.js';
import type { Recorder } from '../inspect/recorder.js';
import { type Context, describeOpening, openWithin } from './context.js';
import type { CollectionHandle } from './facade.js';
import { UsageError } from './output.js';

interface InspectFlags {
  port: number;
  allowControl?: boolean;
  record?: string;
  replay?: string;
  stately?: string | true;
}

const HELP = `
Opens the collection and serves a page that shows it at work, on this machine alone, until Ctrl-C.
Only one process can have a collection open: to see one that your own program has open, call
serveInspector of sluice/inspect there.

--record writes what happens to a file of JSON lines; --replay shows such a file instead of a
collection, with a time slider. --stately also sends it to Stately Inspector (the package
@statelyai/inspect, and its server).`;

/** `sluice inspect DB`: shows a collection at work. */
export function inspectCommand(program: Command, context: Context): void {
  describeOpening(program, 'inspect', 'show a collection at work, on a page or in a recording')
    .argument('[db]', 'directory of the collection')
    .option('--port <n>', 'where the page is served; 0: anywhere', portNumber, 0)
    .option('--allow-control', 'buttons that trigger, flush and cancel')
    .option('--record <file>', 'write what happens to a file')
    .option('--replay <file>', 'show what such a file holds')
    .option('--stately [url]', 'send it to Stately Inspector as well')
    .addHelpText('after', HELP)
    .action((path: string | undefined, flags: InspectFlags) => inspect(context, path, flags));
}

async function inspect(context: Context, path: string | undefined, flags: InspectFlags) {
  const { port, replay, record, allowControl, stately } = flags;
  if (replay === undefined) {
    if (path === undefined) throw new UsageError('say which collection, or --replay a recording');
    return inspectCollection(context, path, flags);
  }
  if ((path ?? record ?? allowControl ?? stately) !== undefined) {
    throw new UsageError('--replay goes with --port alone: nothing runs while it is shown');
  }
  const { serveRecording } = await import('../inspect/replay.js');
  const page = await serveRecording(replay, port);
  await shown(context, page).finally(() => page.close());
}

async function inspectCollection(context: Context, path: string, flags: InspectFlags) {
  const { record, stately } = flags;
  const { connectStately } = await import('../inspect/stately.js');
  const { openRecorder } = await import('../inspect/recorder.js');
  const url = stately === true ? undefined : stately;
  const connection = stately === undefined ? undefined : await connectStately(url);
  try {
    const inspect = connection === undefined ? {} : { inspect: connection.inspect };
    const collection = await openWithin(context, path, inspect);
    try {
      // Not before: a collection that can't be opened must not cost an earlier recording.
      const recorder = record === undefined ? undefined : await openRecorder(record);
      await show(context, collection, { ...flags, title: path }, recorder).finally(() =>
        recorder?.close(),
      );
    } finally {
      await collection.close();
    }
  } finally {
    await connection?.close();
  }
}

async function show(
  context: Context,
  collection: CollectionHandle,
  { port, allowControl = false, title }: InspectFlags & { title: string },
  recorder: Recorder | undefined,
) {
  const { serveInspector } = await import('../inspect/serve.js');
  const onMessage = recorder === undefined ? {} : { onMessage: recorder.write };
  const page = await serveInspector(collection, { port, allowControl, title, ...onMessage });
  try {
    await shown(context, page);
    // Before the page: whoever watches sees it close.
    await collection.close();
  } finally {
    await page.close();
  }
}

/** Tells where the page is, and resolves at Ctrl-C. */
function shown({ host, output }: Context, { url }: PageServer): Promise<void> {
  output.result({ url }, () => url);
  return new Promise((resolve) => {
    if (host.signal.aborted) resolve();
    else host.signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port: a whole number up to 65535.');
}
