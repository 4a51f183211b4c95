// Carries out a script on a store whose system calls fail, and reports, synchronously, what came of
// everything: it opens again what could not be opened, reopens what has broken, and goes on.
// Arguments: target's URL, store, script, marks file.
import { openSync, readFileSync, writeSync } from 'node:fs';

const [, , targetUrl = '', path = '', scriptFile = '', marksFile = ''] = process.argv;
const marks = openSync(marksFile, 'a');
const mark = (fact) => writeSync(marks, `${JSON.stringify(fact)}\n`);
const failure = (error) => ({ code: error?.code ?? error?.name, message: String(error?.message) });

for (const event of ['unhandledRejection', 'uncaughtException', 'warning']) {
  process.on(event, (error) => mark({ unhandled: event, ...failure(error) }));
}

// Random names are numbers instead, because strace must be told before which files are meant.
let names = 0;
crypto.getRandomValues = (bytes) => {
  names += 1;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.byteLength - 4, names);
  return bytes;
};

const { target } = await import(targetUrl);
const { parts, inFlightMax } = JSON.parse(readFileSync(scriptFile, 'utf8'));
let issued = 0;

async function attempt(what, action) {
  try {
    const result = await action();
    mark({ [what]: true });
    return result;
  } catch (error) {
    mark({ troubled: what, ...failure(error) });
    return undefined;
  }
}

async function perform(session, steps) {
  const inFlight = new Set();
  for (const step of steps) {
    const index = issued;
    issued += 1;
    mark({ issued: index });
    const answer = session.perform(step).then(
      ({ opNum }) => mark({ acknowledged: index, opNum }),
      (error) => mark({ failed: index, ...failure(error) }),
    );
    inFlight.add(answer);
    answer.finally(() => inFlight.delete(answer));
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

for (const { options, rounds } of parts) {
  const open = () => attempt('opened', () => target.open(path, options));
  const session = (await open()) ?? (await open());
  if (session === undefined) break;
  for (const steps of rounds) {
    await perform(session, steps);
    mark({ status: session.status() });
    await attempt('read', () => session.read());
    if (session.isBroken()) await attempt('reopened', () => session.reopen());
  }
  await attempt('closed', () => session.close());
}
mark({ ended: true });
