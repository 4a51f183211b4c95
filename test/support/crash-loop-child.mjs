// Opens a collection and kills itself, as the machine would, in the middle of the first optimization.
// If none begins, it says how the collection is.
import { openCollection } from 'sluice';

const [path, optimizers] = process.argv.slice(2);
const collection = await openCollection(path, { optimizers: JSON.parse(optimizers) });
for (let look = 0; look < 500; look += 1) {
  if (collection.optimizations().running.length > 0) process.kill(process.pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, look < 100 ? 0 : 1));
}
console.log(JSON.stringify(collection.status()));
await collection.close();
