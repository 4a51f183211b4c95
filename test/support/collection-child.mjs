// Opens a collection in a process of its own, says what came of it and holds it open until its
// input ends.
import { openCollection } from 'sluice';

const [path] = process.argv.slice(2);
try {
  const collection = await openCollection(path, { dimensions: 2 });
  console.log('open');
  process.stdin.resume();
  process.stdin.on('end', () => collection.close());
} catch (error) {
  console.log(error.code ?? error);
}
