/** The page's own style: colours by custom properties, which dark mode sets anew. No fact is told by colour alone. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d0d7de;--box:#f6f8fa;--link:#0550ae;
--pass:#116329;--fail:#a40e26;--error:#8a4600;--skip:#57606a;--hit:#fff3bf;
--UC:#ffb4a8;--WC:#ffd79a;--WT:#f3e58a;--WP:#c9c3f5;--WB:#a8dcb5;--other:#d8dee4;--ink:#1b1f24}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9da7b1;--line:#3d444d;--box:#161b22;--link:#79b8ff;
--pass:#56d364;--fail:#ff8e86;--error:#ffb757;--skip:#9da7b1;--hit:#4b3a00;
--UC:#8e3a30;--WC:#7a5514;--WT:#66601a;--WP:#4d4790;--WB:#20613a;--other:#444c56;--ink:#e6edf3}}
*{box-sizing:border-box}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:76rem}
a{color:var(--link)}h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{margin:.8rem 0 .2rem;font-size:1rem}
table{border-collapse:collapse}th,td{text-align:left;padding:.15rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
thead th{font-weight:600;background:var(--box)}
table.l{margin:.2rem 0;font-size:.85rem}table.l th[colspan]{color:var(--fg);font-weight:600;padding-top:.5rem}caption{text-align:left;font-weight:600}table.l td{font-family:ui-monospace,monospace;white-space:nowrap}table.l td:nth-child(6){font-family:inherit}
tr.x td{background:var(--hit)}tr.x td:first-child::before{content:"≠ "}
.scroll{overflow:auto;max-height:32rem;border:1px solid var(--line)}.scroll thead th{position:sticky;top:0}
table.m td{text-align:center}abbr{text-decoration:none;font-weight:600}
.s{white-space:nowrap;font-weight:600}.s+.s{margin-left:.4rem}
.pass{color:var(--pass)}.fail{color:var(--fail)}.error,.timeout{color:var(--error)}.skip{color:var(--skip)}.n,i{color:var(--dim)}
details{border:1px solid var(--line);border-radius:4px;margin:.3rem 0;padding:.1rem .7rem;overflow-x:auto}
summary{cursor:pointer;padding:.2rem 0}:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.f{border-left:4px solid var(--fail);padding-left:.8rem;margin:.6rem 0}.f p{margin:.2rem 0}dt{color:var(--dim)}dd{margin:0 0 .2rem 1.2rem}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}pre{background:var(--box);padding:.6rem;overflow:auto}
ol:target{background:var(--hit)}ol.in{background:var(--box);margin:.2rem 0;white-space:normal;font-family:system-ui,sans-serif}
form{display:flex;flex-wrap:wrap;gap:.8rem;align-items:end;background:var(--box);border:1px solid var(--line);padding:.6rem;border-radius:4px;position:sticky;top:0;z-index:2}
label{display:block}input,select,button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--dim);border-radius:4px;padding:.2rem .5rem}
[hidden]{display:none!important}
figure{margin:.3rem 0;max-width:60rem}figcaption{color:var(--dim);font-size:.85rem}
.map svg{width:100%;height:3.4rem;background:var(--box);border:1px solid var(--line)}text{font:9px ui-monospace,monospace;fill:var(--ink)}
path{stroke:var(--ink);stroke-width:1;fill:none}rect{stroke:var(--ink);stroke-width:.4}
rect.UC{fill:var(--UC);stroke:none}rect.WC{fill:var(--WC);stroke:none}rect.WT{fill:var(--WT);stroke:none}rect.WP{fill:var(--WP);stroke:none}rect.WB{fill:var(--WB);stroke:none}rect.other{fill:var(--other);stroke:none}
svg.trend{width:100%;max-width:40rem;background:var(--box)}rect.b{fill:currentColor;stroke:var(--bg)}rect.b.skip{fill-opacity:.35}rect.b.fail{stroke-dasharray:3}
`;
