// Carries out a script on a store and reports each step, synchronously, before and after. The
// process is there to be killed or traced. Arguments: target's URL, store, script, marks file.
import { openSync, readFileSync, writeSync } from 'node:fs';

const [, , targetUrl = '', path = '', scriptFile = '', marksFile = ''] = process.argv;
const marks = openSync(marksFile, 'a');
const mark = (fact) => writeSync(marks, `${JSON.stringify(fact)}\n`);

const { target } = await import(targetUrl);
const { options, inFlightMax, steps } = JSON.parse(readFileSync(scriptFile, 'utf8'));

const session = await target.open(path, options);
mark({ opened: true });
writeSync(1, 'opened\n');

const inFlight = new Set();
for (const [index, step] of steps.entries()) {
  mark({ issued: index });
  const answer = session.perform(step).then(
    ({ opNum }) => mark({ acknowledged: index, opNum }),
    (error) => mark({ failed: index, code: error.code ?? error.name, message: error.message }),
  );
  inFlight.add(answer);
  answer.finally(() => inFlight.delete(answer));
  if (inFlight.size >= inFlightMax) await Promise.race(inFlight);
}
await Promise.all(inFlight);
writeSync(1, 'closing\n');
await session.close();
mark({ closed: true });
