import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** What a workflow may name only as a type: its value would drag I/O, or a megabyte of zod, into the sandbox. */
const typesOnly = (group, message) => ({ group, message, allowTypeImports: true });

export default defineConfig(
  { ignores: ['**/dist/', '**/node_modules/', '.millrace/', '**/.millrace/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-param-reassign': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // engines and activities implement asynchronous ports; not each of them has something to wait for
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['engines/**/*.ts', 'activities/**/*.ts', 'workers/**/*.ts', 'workflows/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            typesOnly(['**/activities/*', '**/activities/**'], 'Workflows know activities by type only.'),
            typesOnly(['**/engines/**'], 'Workflows do no work themselves: call an activity.'),
            typesOnly(['node:*'], 'Workflows have no Node: call an activity.'),
            typesOnly(['zod'], 'Parse at the edges; a throw in a workflow retries its task for ever.'),
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // vitest's asymmetric matchers are typed any
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'no-var': 'error', 'prefer-const': 'error' },
  },
);
