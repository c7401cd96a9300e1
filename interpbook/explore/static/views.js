// What a live figure shows of its network. A view is a function of the present state that returns pictures (see
// drawing.js) and facts, of which the sentence that says what they show is made (see sentences.js); its phrases stand
// in interpbook.explore.views. A chapter adds its own view as such a function.
//
// The state `now` holds
//   x, shape              the input as a flat array, and its [c, h, w]; a view may write into x
//   logits, probabilities, target, labels    of several heads, the logits of all, and the labels of each
//   cursor                {row, column}
//   settings              what the controls say, by name, "example" and "class" among them
//   trace                 the output of every layer, flat, trace[0] the input; network.shapes has their shapes
//   gradients(adjoint)    the adjoint of the logits pulled back: for each entry of trace the gradient there
//   logitGradients()      the same of the target's logit
//   gradient()            the gradient of the target's logit at the input
//   lossGradient()        the gradient of the target's cross-entropy at the input
//   at(x)                 the state of another input, with the same target
// Helpers: mapView(values, shape), answer(now), comparison(now, there); lossAdjoint(now, probabilities), oneAtTarget(now);
// sum, times, channelSum.

var views = {};

views.probabilities = function (now) {
  var order = now.labels.map(function (_, k) {
    return k;
  }).sort(function (a, b) {
    return now.probabilities[b] - now.probabilities[a] || a - b;
  });
  var facts = order.slice(0, 2).map(function (k, place) {
    return [["first", "second"][place], { label: now.labels[k], share: now.probabilities[k] }];
  });
  facts.push(["logit", { label: now.labels[now.target], logit: now.logits[now.target] }]);
  return { pictures: [answer(now)], facts: facts };
};

views.input_gradient = function (now) {
  return mapView(channelSum(now.gradient(), now.shape), now.shape);
};

views.gradient_x_input = function (now) {
  return mapView(channelSum(times(now.gradient(), now.x), now.shape), now.shape);
};

views.gradient_step = function (now) {
  var gradient = now.lossGradient();
  var shown = comparison(now, now.at(now.x.map(function (value, k) {
    return Math.min(1, Math.max(0, value + now.settings.eps * Math.sign(gradient[k])));
  })));
  // A probability that is shown as 0%.
  if (now.probabilities[now.target] < 0.005) {
    shown.facts.push(["nothing", { label: now.labels[now.target] }]);
  }
  return shown;
};

views.occlusion = function (now) {
  var x = now.x.slice();
  var reach = Math.floor(now.settings.square / 2);
  var height = now.shape[1];
  var width = now.shape[2];
  for (var c = 0; c < now.shape[0]; c++) {
    for (var i = Math.max(0, now.cursor.row - reach); i <= Math.min(height - 1, now.cursor.row + reach); i++) {
      for (var j = Math.max(0, now.cursor.column - reach); j <= Math.min(width - 1, now.cursor.column + reach); j++) {
        x[(c * height + i) * width + j] = 0;
      }
    }
  }
  return comparison(now, now.at(x));
};

// The classes as bars.
function answer(now) {
  return { kind: "bars", labels: now.labels, values: Array.from(now.probabilities), chosen: now.target };
}

// What another input looks like, and what the network makes of it.
function comparison(now, there) {
  var k = now.target;
  return {
    pictures: [{ kind: "image", values: Array.from(there.x), shape: now.shape }, answer(there)],
    facts: [["compared", {
      label: now.labels[k], share: now.probabilities[k], share_there: there.probabilities[k],
      logit: now.logits[k], logit_there: there.logits[k]
    }]]
  };
}

function mapView(values, shape) {
  var strongest = 0;
  values.forEach(function (value, k) {
    if (Math.abs(value) > Math.abs(values[strongest])) {
      strongest = k;
    }
  });
  return {
    pictures: [{ kind: "map", values: Array.from(values), shape: shape.slice(1) }],
    facts: [["map", {
      value: values[strongest], row: Math.floor(strongest / shape[2]), column: strongest % shape[2], sum: sum(values)
    }]]
  };
}

function sum(values) {
  return values.reduce(function (a, b) {
    return a + b;
  }, 0);
}

function channelSum(values, shape) {
  var size = shape[1] * shape[2];
  var total = new Float64Array(size);
  for (var k = 0; k < values.length; k++) {
    total[k % size] += values[k];
  }
  return total;
}

function times(a, b) {
  return a.map(function (value, i) {
    return value * b[i];
  });
}
