/**
 * The moves of each walk, by its name: made by scripts/pairs.mjs, but for one change by hand. Two vCPUs that disagree about the size of
 * leaves map their own pages of huge RAM anew in turns, which the model does not follow: so `ranges2 r1.low` is at the end of `late`.
 */
export const WALKS: Readonly<Record<string, readonly string[]>> = {
  early: [
    'dma+ cd0+ w1.high fixed0 r0.ro quirk-cd x1.first discard w0.high cd0- x0.first quirk-cd w0.high pat',
    'w1.high slots w0.high-ro log r0.high-dev x1.high-small cd1+ x1.high-log far w0.high-log x1.ro pat',
    'r0.high-dev x1.large quirk-cd r1.high-dev discard-first x0.ro w1.first w0.small on0 x0.ro log',
    'r0.hole quirk-cd x0.ro cd1- w1.small far r0.hole pat r0.small discard-first r1.log r0.large log',
    'x0.first slot+ r1.small quirk-cd r1.large r0.high-small fixed1 w1.first discard r0.dev far r0.dev',
    'cd0+ r0.small slot- r1.first r0.first log r0.ro r0.first cd0- r0.dev r0.ro pat r0.log r0.ro cd0+',
    'r1.large quirk-cd r0.small r1.first r0.log slot+ r0.hole r0.first-16k ranges0 r0.high-log ranges2',
    'cd0- w0.first ranges1 x0.ro cd1+ w0.log ranges2 x0.ro pat r1.ro slot- r0.log off0 r0.ro r1.ro fixed0',
    'discard r0.first r0.low log r0.low quirk-cd r0.low',
  ],
  late: [
    'r1.high dma+ w1.ro x0.first dma- w1.ro dma+ w1.high cd0+ x0.first dma- x1.first-16k fixed0',
    'r0.first-16k cd0- r0.first dma+ r0.first-4k cd0+ r1.first-4k off0 r0.first slots r0.dev dma- r0.dev',
    'r0.ro r0.log ranges0 r0.small pat r0.first-16k dma+ r0.small quirk-cd r0.ro ranges0 r0.log pat',
    'r0.large dma- r0.first-4k slot+ r0.first log r0.first discard r0.first quirk-cd r0.first dma+ log',
    'r0.first discard r0.first cd0- on0 ranges0 ranges2 r0.low-2 r1.low-2',
  ],
  quirk: [
    'slots r0.first r0.low-2 r0.ro r0.high r0.large r0.dev r0.log r0.small x1.low quirk-pat cd0+',
    'x1.high-ro fixed0 x0.small discard w0.low-2 ranges0 r1.first cd0- r0.ro pat r0.large-end r0.hole',
    'r0.dev r0.high dma+ r0.high-ro slot+ r0.small r0.low-2 cd0+ r1.first dma- r0.first dma+ r0.first',
    'ranges0 r0.low-2 dma- r0.small-2 on0 r0.first log r0.first-16k discard r0.first',
  ],
  cd: [
    'r0.first cd0- r0.first dma+ r0.first quirk-cd r0.first fixed0 r0.first pat r0.first cd1- r0.first',
    'slots r0.ro dma- r0.first',
  ],
  'huge-ram': [
    'r0.first fixed0 r0.first ranges0 r0.first pat r0.first dma+ ranges2 r0.low ranges1 quirk-cd',
    'r0.low r1.low dma- dma+ r0.low slots log r0.low',
  ],
  'quirk-early': ['dma+ r0.low quirk-pat r0.first dma- r0.first'],
  nested: ['cd0+ n1.first plain-slots n0.ro quirk-cd n0.first'],
};
