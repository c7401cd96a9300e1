// The page's half of the network of twelve neurons; the kernel's half is neurons.py.

var NEURONS = [
  [-1, -0.84, 0.4], [-5, -3.55, 0.3], [-5, -3.15, 0.7], [2, 0.82, -0.1], [-5, -1.6, -0.3], [0.5, -0.06, 0.8],
  [0.5, -0.1055, 2.1], [0.5, -0.111, 1.1], [1, -0.233, -0.6], [5, -1.95, 0.1], [3, -1.86, -1.6], [3, -2.43, -0.1]
];
var COUNT = NEURONS.length;
var INPUTS = 64;
var DEPENDENT = 1e-10;
var SAME_SHARE = 1e-9;
var ARROW = 0.09;
var HINGES = NEURONS.map(function (neuron) {
  return -neuron[1] / neuron[0];
});
var WEIGHTS = NEURONS.map(function (neuron) {
  return neuron[2];
});

function twelveNeurons(now) {
  var choices = choicesOfAll();
  var kept = now.settings.keep.map(function (number) {
    return number - 1;
  });
  var greedy = choices.order.slice(0, kept.length).sort(function (i, j) {
    return i - j;
  });
  var best = choices.best[kept.length];
  var cut = WEIGHTS.map(function (weight, i) {
    return kept.indexOf(i) < 0 ? 0 : weight;
  });
  var solved = repaired(choices.products, kept);
  var shares = [cut, solved, repaired(choices.products, greedy), repaired(choices.products, best)].map(lostOf);
  var x = now.points.x[0];
  var after = outputOf(solved, x);
  return {
    marks: marksOf(kept, cut, solved, now.limits[0]),
    facts: factsOf(kept, greedy, best, shares).concat([["read", {
      x: x, full: outputOf(WEIGHTS, x), cut: outputOf(cut, x), repaired: after
    }]]),
    pictures: [["squared error, in % of the squared output", {
      kind: "bars", labels: ["not repaired", "repaired", "greedy", "best"], values: shares, chosen: 1
    }]],
    places: { x: [x, after] }
  };
}

function activationsAt(x) {
  return NEURONS.map(function (neuron) {
    return Math.max(neuron[0] * x + neuron[1], 0);
  });
}

function outputOf(weights, x) {
  return activationsAt(x).reduce(function (sum, activation, i) {
    return sum + weights[i] * activation;
  }, 0);
}

function inputAt(k) {
  return -1 + 2 * k / (INPUTS - 1);
}

// [[G, C], [C', |T|^2]]
function productsOf() {
  var products = Array.from({ length: COUNT + 1 }, function () {
    return new Array(COUNT + 1).fill(0);
  });
  for (var k = 0; k < INPUTS; k++) {
    var row = activationsAt(inputAt(k)).concat(outputOf(WEIGHTS, inputAt(k)));
    for (var i = 0; i <= COUNT; i++) {
      for (var j = 0; j <= COUNT; j++) {
        products[i][j] += row[i] * row[j];
      }
    }
  }
  return products;
}

// Whether neuron i, given what the matrix was swept with, has nothing of its own.
function dependent(products, swept, i) {
  return swept[i][i] < DEPENDENT * products[i][i];
}

// One Gauss-Jordan step: the last column then holds the solved weights, and at its end the squared error that is left.
function sweep(products, swept, i) {
  if (dependent(products, swept, i)) {
    return swept;
  }
  var row = swept[i].map(function (value) {
    return value / swept[i][i];
  });
  return swept.map(function (other, r) {
    return r === i ? row : other.map(function (value, j) {
      return value - other[i] * row[j];
    });
  });
}

function repaired(products, kept) {
  var swept = products;
  var picked = [];
  kept.forEach(function (i) {
    if (!dependent(products, swept, i)) {
      swept = sweep(products, swept, i);
      picked.push(i);
    }
  });
  return WEIGHTS.map(function (_, i) {
    return picked.indexOf(i) < 0 ? 0 : swept[i][COUNT];
  });
}

function lostOf(weights) {
  var error = 0;
  var whole = 0;
  for (var k = 0; k < INPUTS; k++) {
    var before = outputOf(WEIGHTS, inputAt(k));
    error += Math.pow(before - outputOf(weights, inputAt(k)), 2);
    whole += before * before;
  }
  return error / whole > SAME_SHARE ? error / whole : 0;
}

function greedyOrder(products) {
  var swept = products;
  var order = [];
  while (order.length < COUNT) {
    var pick = -1;
    var most = -Infinity;
    for (var i = 0; i < COUNT; i++) {
      if (order.indexOf(i) >= 0) {
        continue;
      }
      var gain = dependent(products, swept, i) ? 0 : swept[i][COUNT] * swept[i][COUNT] / swept[i][i];
      if (gain > most + SAME_SHARE * products[COUNT][COUNT]) {
        pick = i;
        most = gain;
      }
    }
    swept = sweep(products, swept, pick);
    order.push(pick);
  }
  return order;
}

// For each number of neurons the set that leaves the least error. Each set is one sweep away from a smaller one.
function bestSets(products) {
  var least = new Array(COUNT + 1).fill(Infinity);
  var best = [];

  function visit(swept, kept) {
    var left = swept[COUNT][COUNT];
    if (left < least[kept.length] - SAME_SHARE * products[COUNT][COUNT]) {
      least[kept.length] = left;
      best[kept.length] = kept;
    }
    for (var i = kept.length ? kept[kept.length - 1] + 1 : 0; i < COUNT; i++) {
      visit(sweep(products, swept, i), kept.concat(i));
    }
  }

  visit(products, []);
  return best;
}

// What does not depend on the reader, computed once.
function choicesOfAll() {
  if (!choicesOfAll.made) {
    var products = productsOf();
    choicesOfAll.made = { products: products, order: greedyOrder(products), best: bestSets(products) };
  }
  return choicesOfAll.made;
}

function factsOf(kept, greedy, best, shares) {
  if (kept.length === 0 || kept.length === COUNT) {
    return [[kept.length ? "all" : "none", {}]];
  }
  var percents = shares.map(function (share) {
    return 100 * share;
  });
  var own = percents[1];
  var theirs = percents[2];
  var close = percents[3] + 100 * SAME_SHARE;
  var facts = [[kept.length === 1 ? "one" : "kept", { kept: kept.length }]];
  facts.push(["lost", { cut: percents[0], repaired: own }]);
  if (own < close) {
    facts.push(["own_best", {}]);
  }
  facts.push(String(kept) === String(greedy) ? ["own_greedy", {}] : ["greedy", { set: said(greedy), share: theirs }]);
  if (close <= Math.min(own, theirs)) {
    facts.push(["best", { set: said(best), share: percents[3] }]);
  } else if (theirs < close && close <= own) {
    facts.push(["greedy_best", {}]);
  }
  return facts.concat([["end", {}]]);
}

function said(chosen) {
  return chosen.map(function (i) {
    return i + 1;
  }).join(", ");
}

function marksOf(kept, cut, solved, ends) {
  var removed = Array.from(NEURONS.keys()).filter(function (i) {
    return kept.indexOf(i) < 0;
  });
  return [
    { kind: "arrows", values: arrowsOf(kept), color: 0, label: "kept: from its hinge to where it is active" },
    { kind: "arrows", values: arrowsOf(removed), color: 5, label: "removed", faint: true },
    { kind: "line", values: curveOf(cut, ends), color: 1, label: "not repaired" },
    { kind: "line", values: curveOf(solved, ends), color: 2, label: "repaired" },
    { kind: "line", values: curveOf(WEIGHTS, ends), color: 5, label: "the network as it was", dashed: true }
  ];
}

// Between the hinges every function is a straight line.
function curveOf(weights, ends) {
  return [ends[0]].concat(HINGES, ends[1]).map(function (x) {
    return [x, outputOf(weights, x)];
  }).flat();
}

// At the bottom, on three heights so that neighbors can be told apart.
function arrowsOf(chosen) {
  return chosen.map(function (i) {
    var y = -1.65 + 0.1 * (i % 3);
    return [HINGES[i], y, HINGES[i] + (NEURONS[i][0] > 0 ? ARROW : -ARROW), y];
  }).flat();
}
