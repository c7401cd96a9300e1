// The page's half of the crowd of forty networks; the kernel's half is crowd.py.

var COUNT = 40;
var HIDDEN = 16;
var BETA = 10;
var MOST = 10;
var APART = COUNT / 2;
var GRID = [25, 31];
var SCALE = 0.6;
var SAME_LENGTH = 0.8;
var SAME_OF_CROWD = 1.05;
var SHORT = 0.04;
var REASONS = ["a higher age", "a lower age", "more education", "less education"];

function drawACrowd(now, tables) {
  var said = now.settings;
  var m = said.networks_in_a_crowd;
  var x = now.points.person;
  var g = gradientsAt(tables.weights, said.weight_decay, x, said.explain);
  var members = orderOf(said.draw);
  var crowds = [members.slice(0, m), members.slice(APART, APART + m)];
  var means = crowds.map(function (chosen) {
    return meanOf(g, chosen);
  });
  var sizes = Array.from({ length: MOST }, function (_, k) {
    return k + 1;
  });
  var all = measuredOf(g);
  var ahead = predictedOf(g);
  return {
    marks: marksOf(now, tables, g, crowds, means),
    facts: factsOf(now, tables, g, [degreesOf(cosineOf(means[0], means[1])), all[m - 1], ahead[m - 1]]),
    pictures: [["angle between two crowds, in degrees", {
      kind: "chart", values: all.concat(ahead), labels: sizes.map(String), chosen: m - 1, ticks: [0, 30, 60, 90, 120],
      names: ["networks in a crowd", "measured over many draws", "predicted from pairs of networks"]
    }]]
  };
}

// The gradient at x of the log-odds or of the sum of the logits, by each network. The weights of one lie behind each
// other: W1, b1, W2, b2, the difference of the last layer's rows, their sum, and two biases.
function gradientsAt(weights, decay, x, explained) {
  var size = weights.shape[2];
  return Array.from({ length: COUNT }, function (_, network) {
    var from = (decay * COUNT + network) * size;
    return gradientOf(weights.values.subarray(from, from + size), x, explained);
  });
}

function gradientOf(w, x, explained) {
  var b1 = 2 * HIDDEN;
  var w2 = b1 + HIDDEN;
  var b2 = w2 + HIDDEN * HIDDEN;
  var readout = b2 + HIDDEN + (explained === "sum" ? HIDDEN : 0);
  var first = [];
  var back = new Float64Array(HIDDEN);
  for (var i = 0; i < HIDDEN; i++) {
    first.push(w[2 * i] * x[0] + w[2 * i + 1] * x[1] + w[b1 + i]);
  }
  var active = first.map(softplus);
  for (var k = 0; k < HIDDEN; k++) {
    var row = w2 + k * HIDDEN;
    var second = w[b2 + k];
    for (var j = 0; j < HIDDEN; j++) {
      second += w[row + j] * active[j];
    }
    var weight = w[readout + k] * slope(second);
    for (var l = 0; l < HIDDEN; l++) {
      back[l] += weight * w[row + l];
    }
  }
  return first.reduce(function (sums, z, at) {
    var share = back[at] * slope(z);
    return [sums[0] + share * w[2 * at], sums[1] + share * w[2 * at + 1]];
  }, [0, 0]);
}

function softplus(z) {
  return Math.max(z, 0) + Math.log1p(Math.exp(-BETA * Math.abs(z))) / BETA;
}

function slope(z) {
  return 1 / (1 + Math.exp(-BETA * z));
}

// The forty in another order for each draw: its multiples modulo the prime 41.
function orderOf(draw) {
  return Array.from({ length: COUNT }, function (_, k) {
    return draw * (k + 1) % (COUNT + 1) - 1;
  });
}

function meanOf(g, chosen) {
  var sums = chosen.reduce(function (before, member) {
    return [before[0] + g[member][0], before[1] + g[member][1]];
  }, [0, 0]);
  return [sums[0] / chosen.length, sums[1] / chosen.length];
}

function cosineOf(a, b) {
  return (a[0] * b[0] + a[1] * b[1]) / (lengthOf(a) * lengthOf(b));
}

// Many times faster than Math.hypot.
function lengthOf(a) {
  return Math.sqrt(a[0] * a[0] + a[1] * a[1]);
}

function degreesOf(cosine) {
  return Math.acos(Math.min(1, Math.max(-1, cosine))) * 180 / Math.PI;
}

// The angle of the mean cosine of two crowds, for crowds of 1 .. 10: the first m of every order, and each m after them.
function measuredOf(g) {
  var totals = new Float64Array(MOST + 1);
  for (var draw = 1; draw <= COUNT; draw++) {
    var sums = sumsOf(g, orderOf(draw));
    for (var m = 1; m <= MOST; m++) {
      for (var end = 2 * m; end <= COUNT; end++) {
        var start = end - m;
        totals[m] += cosineOf(sums[m], [sums[end][0] - sums[start][0], sums[end][1] - sums[start][1]]);
      }
    }
  }
  return Array.from(totals).slice(1).map(function (total, k) {
    return degreesOf(total / (COUNT * (COUNT - 2 * k - 1)));
  });
}

// The sums of the first 0, 1, 2, ... gradients of an order.
function sumsOf(g, members) {
  var sums = [[0, 0]];
  members.forEach(function (member, k) {
    sums.push([sums[k][0] + g[member][0], sums[k][1] + g[member][1]]);
  });
  return sums;
}

// The same by Spearman and Brown's formula from r, the mean cosine of two networks.
function predictedOf(g) {
  var sum = ofLength(g, 1).reduce(function (before, unit) {
    return [before[0] + unit[0], before[1] + unit[1]];
  }, [0, 0]);
  var r = (sum[0] * sum[0] + sum[1] * sum[1] - COUNT) / (COUNT * (COUNT - 1));
  return Array.from({ length: MOST }, function (_, k) {
    return degreesOf((k + 1) * r / (1 + k * r));
  });
}

function ofLength(arrows, length) {
  return arrows.map(function (arrow) {
    var own = lengthOf(arrow);
    return [length * arrow[0] / own, length * arrow[1] / own];
  });
}

function reasonOf(g) {
  return Math.abs(g[0]) > Math.abs(g[1]) ? (g[0] > 0 ? 0 : 1) : (g[1] > 0 ? 2 : 3);
}

function factsOf(now, tables, g, angles) {
  var said = now.settings;
  var m = said.networks_in_a_crowd;
  var scale = tables.scale.values;
  var degrees = angles.map(roundedHalfUp);
  var counts = [0, 0, 0, 0];
  var length = 0;
  g.forEach(function (one) {
    counts[reasonOf(one)] += 1;
    length += lengthOf(one) / COUNT;
  });
  var top = counts.indexOf(Math.max.apply(null, counts));
  var facts = [
    ["person", {
      age: roundedHalfUp(scale[0] + now.points.person[0] * scale[2]),
      level: roundedHalfUp(scale[1] + now.points.person[1] * scale[3])
    }],
    [m === 1 ? "two" : "crowds", { m: m, shown: degrees[0] }],
    ["draws", { measured: degrees[1] }],
    [m === 1 ? "curve" : "predicted", { predicted: degrees[2] }],
    [said.explain, { count: counts[top], reason: REASONS[top] }]
  ];
  if (said.explain === "sum") {
    facts.push([said.weight_decay ? "shrunk" : "fixed", {}]);
  }
  if (SCALE * length < SHORT) {
    facts.push([said.arrows === "true" ? "short" : "in_truth", {}]);
  }
  return facts;
}

function roundedHalfUp(value) {
  return Math.floor(value + 0.5);
}

function marksOf(now, tables, g, crowds, means) {
  var x = now.points.person;
  var same = now.settings.arrows === "same";
  var arrows = same ? ofLength(g, SAME_LENGTH) : scaled(g);
  var thick = same ? ofLength(means, SAME_OF_CROWD) : scaled(means);
  var size = GRID[0] * GRID[1];
  var from = now.settings.weight_decay * size;

  function thin(chosen) {
    return chosen.flatMap(function (member) {
      return arrowFrom(x, arrows[member]);
    });
  }

  function inOrder(chosen) {
    return chosen.slice().sort(function (a, b) {
      return a - b;
    });
  }

  var rest = Array.from(arrows.keys()).filter(function (member) {
    return crowds[0].indexOf(member) < 0 && crowds[1].indexOf(member) < 0;
  });
  return [
    {
      kind: "field", shape: GRID, color: 4, label: "share of the 40 that say more than $50,000", faint: true,
      values: Array.from(tables.votes.values.subarray(from, from + size), function (count) {
        return count / COUNT;
      })
    },
    { kind: "dots", values: peopleOf(tables, 0), color: 5, label: "at most $50,000", faint: true },
    { kind: "dots", values: peopleOf(tables, 1), color: 4, label: "more than $50,000", faint: true },
    { kind: "arrows", values: thin(rest), color: 5, label: "one network", faint: true },
    { kind: "arrows", values: thin(inOrder(crowds[0])), color: 0, faint: true },
    { kind: "arrows", values: thin(inOrder(crowds[1])), color: 1, faint: true },
    { kind: "arrows", values: arrowFrom(x, thick[0]), color: 0, label: "first crowd's mean", heavy: true },
    { kind: "arrows", values: arrowFrom(x, thick[1]), color: 1, label: "second crowd's mean", heavy: true }
  ];
}

function scaled(arrows) {
  return arrows.map(function (arrow) {
    return [SCALE * arrow[0], SCALE * arrow[1]];
  });
}

function arrowFrom(x, arrow) {
  return [x[0], x[1], x[0] + arrow[0], x[1] + arrow[1]];
}

function peopleOf(tables, rich) {
  var values = [];
  tables.rich.values.forEach(function (own, k) {
    if (own === rich) {
      values.push(tables.people.values[2 * k], tables.people.values[2 * k + 1]);
    }
  });
  return values;
}
