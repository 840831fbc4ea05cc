// `npm run example:as400`, `npm run example:warehouse`: plays an example through, with the servers that it reads from.
import { createJiti } from 'jiti';

const name = process.argv[2] ?? '';
const { start } = await createJiti(import.meta.url).import(`../examples/${name}/start.ts`);
await start();
