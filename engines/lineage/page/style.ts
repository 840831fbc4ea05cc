/** The page's style sheet: light and dark, by the reader's own setting or the switch. */
export const STYLE = `
:root{--bg:#fff;--soft:#f5f6f8;--line:#dfe3e8;--text:#1c2430;--dim:#5a6675;--accent:#1557c0;--accent-soft:#e5eefb;
--model:#1557c0;--source:#1b7a43;--seed:#7a5b00;--snapshot:#86339e;--exposure:#b3430d;--metric:#0b7285;--other:#5a6675;
--kw:#8a2be2;--str:#1b7a43;--num:#b3430d;--com:#6b7684;--warn:#9a5b00;--shadow:0 1px 3px rgb(0 0 0/.08)}
[data-theme=dark]{--bg:#12161c;--soft:#1a2029;--line:#2d3642;--text:#e4e9f0;--dim:#9aa7b7;--accent:#7db0ff;--accent-soft:#1d2e48;
--model:#7db0ff;--source:#6fd39a;--seed:#e2bd55;--snapshot:#d29bea;--exposure:#ff9d6b;--metric:#62cfe0;--other:#9aa7b7;
--kw:#c69bff;--str:#7fd8a4;--num:#ffb083;--com:#8794a5;--warn:#f0b45a;--shadow:none}
*{box-sizing:border-box}html{color-scheme:light}html[data-theme=dark]{color-scheme:dark}
body{margin:0;font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;background:var(--bg);color:var(--text);
display:grid;grid-template-columns:19rem minmax(0,1fr);height:100vh}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem;z-index:9}
nav{border-right:1px solid var(--line);background:var(--soft);display:flex;flex-direction:column;min-height:0}
.top{padding:1rem 1rem .75rem;border-bottom:1px solid var(--line)}
.brand{display:flex;align-items:center;justify-content:space-between;margin-bottom:.7rem}
.brand a{font-weight:650;font-size:1.05rem;color:var(--text)}
button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:.2rem .6rem;cursor:pointer}
button:hover{border-color:var(--accent)}button[aria-pressed=true]{background:var(--accent-soft);border-color:var(--accent);color:var(--accent)}
input[type=search]{width:100%;font:inherit;padding:.45rem .7rem;border:1px solid var(--line);border-radius:8px;background:var(--bg);color:inherit}
.list{overflow:auto;flex:1;padding:.4rem .5rem 2rem}
.list h2{font-size:.72rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:.9rem .5rem .25rem;font-weight:600}
.list a{display:flex;align-items:center;gap:.5rem;padding:.16rem .5rem;border-radius:6px;color:var(--text);overflow:hidden}
.list a span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.list a:hover{background:var(--line);text-decoration:none}.list a[aria-current]{background:var(--accent-soft);color:var(--accent);font-weight:550}
.dot{flex:none;width:.55rem;height:.55rem;border-radius:50%;background:var(--c)}
.empty{color:var(--dim);padding:.5rem}
main{overflow:auto;padding:1.6rem 2.2rem 4rem;min-width:0}
main:focus{outline:none}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem;font-weight:650;overflow-wrap:anywhere}
main h2{font-size:1.05rem;margin:2rem 0 .6rem;font-weight:620}
.sub{color:var(--dim);display:flex;flex-wrap:wrap;gap:.4rem .6rem;align-items:center;font-size:.9rem}
.badge{border:1px solid var(--c,var(--line));color:var(--c,var(--dim));border-radius:99px;padding:0 .6rem;font-size:.8rem;white-space:nowrap}
.mono,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
code{background:var(--soft);border-radius:4px;padding:.05em .3em}
.text{max-width:48rem}.text p{margin:.5rem 0}.text table,table.grid{border-collapse:collapse}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:1rem 0 0;font-size:.92rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table.grid{width:100%;font-size:.92rem}.text td,.text th,.grid th,.grid td{border-bottom:1px solid var(--line);padding:.4rem .7rem;text-align:left;vertical-align:top}
.grid th{color:var(--dim);font-weight:550;font-size:.82rem}.grid tbody tr:hover{background:var(--soft)}.grid tr.on{background:var(--accent-soft)}
.grid button{border:0;background:none;padding:0;color:var(--accent);font-weight:550}
.from{color:var(--dim);font-size:.86rem}.unknown{color:var(--warn)}
.chip{display:inline-block;background:var(--soft);border:1px solid var(--line);border-radius:5px;padding:0 .4rem;margin:0 .25rem .2rem 0;font-size:.8rem}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;overflow:auto;line-height:1.5;margin:.4rem 0;max-height:36rem;tab-size:4}
.k{color:var(--kw)}.s{color:var(--str)}.n{color:var(--num)}.c{color:var(--com);font-style:italic}
.bar{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin:.4rem 0}.bar .gap{flex:1}.bar .say{color:var(--dim);font-size:.86rem}
.tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.2rem 0}.tile{border:1px solid var(--line);border-radius:10px;padding:.6rem 1.1rem;min-width:7rem;box-shadow:var(--shadow)}
.tile b{display:block;font-size:1.5rem;font-weight:620;line-height:1.2;color:var(--c)}.tile span{color:var(--dim);font-size:.86rem}
.graph{border:1px solid var(--line);border-radius:10px;background:var(--soft);height:26rem;position:relative;overflow:hidden;touch-action:none}
.graph.tall{height:calc(100vh - 19rem);min-height:24rem}
.graph svg{width:100%;height:100%;cursor:grab;display:block}.graph svg:active{cursor:grabbing}
.box rect.body{fill:var(--bg);stroke:var(--line);stroke-width:1.2}.box .mark{fill:var(--c)}
.box text{font-size:12.5px;fill:var(--text)}.box .col{font-size:11px;fill:var(--dim);font-family:ui-monospace,Menlo,Consolas,monospace}
.box{cursor:pointer}.box:hover rect.body,.box:focus-visible rect.body{stroke:var(--accent)}.box:focus-visible{outline:none}.box:focus-visible rect.body{stroke-width:2.4}
.box.focus rect.body{stroke:var(--c);stroke-width:2.2}.box.dim{opacity:.28}
.colrow{cursor:pointer}.colrow rect{fill:transparent}.colrow:hover rect{fill:var(--accent-soft)}.colrow.on rect{fill:var(--accent-soft)}.colrow.on .col{fill:var(--accent);font-weight:600}
.edge{fill:none;stroke:var(--dim);stroke-opacity:.38;stroke-width:1.2}.edge.near{stroke:var(--accent);stroke-opacity:.85;stroke-width:1.6}.edge.dim{stroke-opacity:.09}
.cedge{fill:none;stroke:var(--accent);stroke-width:1.6}.cedge.condition{stroke-dasharray:4 4;stroke-opacity:.75}
details{border-bottom:1px solid var(--line);padding:.35rem 0}summary{cursor:pointer}
@media(max-width:800px){body{grid-template-columns:1fr;grid-template-rows:auto 1fr;height:auto}nav{max-height:40vh}main{padding:1.2rem}}
@media(prefers-reduced-motion:no-preference){.box,.edge{transition:opacity .12s}}
`;
