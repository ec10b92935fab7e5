"""The report's style sheet: system fonts, light and dark by what the reader's system says."""

from __future__ import annotations

STYLE = """
:root { --ground: #ffffff; --panel: #f4f6f8; --ink: #1f2328; --faint: #5c6670; --line: #d5dae0; --warn: #fff4e0;
  --warn-line: #c2821a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #171b21; --panel: #20262e; --ink: #e3e7ec; --faint: #a0abb7; --line: #3a424d; --warn: #33290f;
    --warn-line: #c99a3c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; overflow-wrap: anywhere; }
small, .note { color: var(--faint); font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; }
.warning { background: var(--warn); border-left: 4px solid var(--warn-line); padding: .6rem .8rem; }
.scrolled { overflow-x: auto; max-height: 40rem; overflow-y: auto; border: 1px solid var(--line);
  border-radius: .5rem; width: fit-content; max-width: 100%; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; text-align: left; vertical-align: top; }
tr + tr, tbody tr { border-top: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: var(--panel); font-size: .85rem; color: var(--faint); }
tbody th { font-weight: 500; max-width: 22rem; overflow-wrap: anywhere; }
.numbers td, .numbers thead th + th { text-align: right; font-variant-numeric: tabular-nums; }
.words td { overflow-wrap: anywhere; }
.words thead { display: none; }
img.plot { max-width: 100%; height: auto; border-radius: .5rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
figure img, .gone { display: block; width: 100%; height: 9rem; object-fit: contain; background: var(--line); }
.gone { display: grid; place-items: center; color: var(--faint); font-size: .85rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: .75rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.sides img, .sides .gone { height: 15rem; }
@media (max-width: 40rem) { .sides img, .sides .gone { height: 11rem; } }
.sides span { display: block; padding: .2rem .7rem 0; font-size: .8rem; color: var(--faint); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: .4rem 0 .8rem; padding: 0;
  font-size: .85rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem;
  vertical-align: -.08rem; }
figcaption { padding: .5rem .7rem; font-size: .85rem; line-height: 1.4; overflow-wrap: anywhere; }
"""
