import type { CatalogArtifact } from '../dbt/artifacts/catalog.js';
import { writeArtifact, type ManifestArtifact } from '../dbt/artifacts/manifest.js';
import { APP_SCRIPT } from './page/app-script.js';
import { pageData, type PageData } from './page/data.js';
import { GRAPH_SCRIPT } from './page/graph-script.js';
import { STYLE } from './page/style.js';
import { projectLineage } from './project-lineage.js';

export interface DocsInput {
  manifest: ManifestArtifact;
  /** null where the warehouse was not asked */
  catalog: Pick<CatalogArtifact, 'nodes' | 'sources'> | null;
  /** dbt's target folder */
  folder: string;
}

/** Writes the documentation of a project: one page that needs nothing else, not even a network. @returns the file */
export async function writeDocs({ manifest, catalog, folder }: DocsInput): Promise<string> {
  const lineage = await projectLineage(manifest, catalog);
  return writeArtifact(folder, 'index.html', docsPage(pageData(manifest, catalog, lineage)));
}

export function docsPage(data: PageData): string {
  const title = escape(data.project);
  // `<` could end the script element; inside JSON text it may be written otherwise
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<nav aria-label="Everything in the project">
<div class="top">
<div class="brand"><a href="#/">${title}</a><button id="theme" type="button" title="Light or dark">Dark</button></div>
<input id="search" type="search" placeholder="Search ( / )" aria-label="Search names, columns, descriptions and tags">
</div>
<div class="list" id="list"></div>
</nav>
<main id="main" tabindex="-1"></main>
<script id="data" type="application/json">${json}</script>
<script>'use strict';${GRAPH_SCRIPT}${APP_SCRIPT}</script>
</body>
</html>
`;
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
