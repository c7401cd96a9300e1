// What a live figure shows of its network. A view is a function of the present state that returns pictures (see
// drawing.js) and one sentence that says what they show. A chapter adds its own view as such a function.
//
// The state `now` holds
//   x, shape              the input as a flat array, and its [c, h, w]; a view may write into x
//   logits, probabilities, target, labels
//   cursor                {row, column}
//   settings              what the controls say, by name, "example" and "class" among them
//   trace                 the output of every layer, flat, trace[0] the input; network.shapes has their shapes
//   gradients(adjoint)    the adjoint of the logits pulled back: for each entry of trace the gradient there
//   parts()               of the target's logit: {gradient, input, biases: [{name, layer, shape, values}]}, the
//                         gradient, gradient x input and the full-gradient term of each layer
//   at(x)                 the state of another input, with the same target
// Helpers for pictures: mapView(values, shape), answer(now), comparison(now, there, words); for numbers: sum, times,
// channelSum, percent, significant.

var views = {};

views.probabilities = function (now) {
  var order = now.labels.map(function (label, k) {
    return k;
  }).sort(function (a, b) {
    return now.probabilities[b] - now.probabilities[a] || a - b;
  });
  var text = order.slice(0, 2).map(function (k) {
    return now.labels[k] + " with " + percent(now.probabilities[k]);
  }).join(", then ");
  return {
    pictures: [answer(now)],
    text: text + "; the logit of " + now.labels[now.target] + " is " + now.logits[now.target].toFixed(2) + "."
  };
};

views.input_gradient = function (now) {
  return mapView(channelSum(now.parts().gradient, now.shape), now.shape);
};

views.gradient_x_input = function (now) {
  return mapView(channelSum(times(now.parts().gradient, now.x), now.shape), now.shape);
};

views.fullgrad_terms = function (now) {
  var parts = now.parts();
  var labels = ["input"].concat(parts.biases.map(function (term) {
    return term.name;
  }));
  var values = [sum(parts.input)].concat(parts.biases.map(function (term) {
    return sum(term.values);
  }));
  return {
    pictures: [{ kind: "waterfall", labels: labels, values: values, total: "logit" }],
    text: labels.map(function (label, k) {
      return label + " " + values[k].toFixed(2);
    }).join(", ") + "; together the logit " + sum(values).toFixed(2) + "."
  };
};

views.fullgrad_map = function (now) {
  var parts = now.parts();
  var size = now.shape.slice(1);
  var total = rescaledSum(parts.input, now.shape);
  parts.biases.forEach(function (term) {
    var shape = now.network.shapes[term.layer];
    if (shape.length === 3) {
      upsample(rescaledSum(term.values, shape), shape.slice(1), size).forEach(function (value, k) {
        total[k] += value;
      });
    }
  });
  return mapView(total, now.shape);
};

views.gradient_step = function (now) {
  // The gradient of the cross-entropy of the target.
  var adjoint = now.probabilities.map(function (p, k) {
    return p - (k === now.target ? 1 : 0);
  });
  var gradient = now.gradients(adjoint)[0];
  var there = now.at(now.x.map(function (value, k) {
    return Math.min(1, Math.max(0, value + now.settings.eps * Math.sign(gradient[k])));
  }));
  return comparison(now, there, "after the step");
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
  return comparison(now, now.at(x), "without the square");
};

// The classes as bars.
function answer(now) {
  return { kind: "bars", labels: now.labels, values: Array.from(now.probabilities), chosen: now.target };
}

// What another input looks like, and what the network makes of it.
function comparison(now, there, words) {
  var name = now.labels[now.target];
  return {
    pictures: [{ kind: "image", values: Array.from(there.x), shape: now.shape }, answer(there)],
    text: name + " has " + percent(now.probabilities[now.target]) + ", " + words + " " +
      percent(there.probabilities[now.target]) + "; its logit " + now.logits[now.target].toFixed(2) + ", " + words +
      " " + there.logits[now.target].toFixed(2) + "."
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
    text: "Strongest " + significant(values[strongest]) + " at row " + Math.floor(strongest / shape[2]) + ", column " +
      strongest % shape[2] + "; sum " + significant(sum(values)) + "."
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

// Absolute values, rescaled to [0, 1] over the whole term, summed over channels.
function rescaledSum(values, shape) {
  var low = Infinity;
  var high = 0;
  var total = new Float64Array(shape[1] * shape[2]);
  for (var k = 0, pixel = 0; k < values.length; k++, pixel++) {
    var value = Math.abs(values[k]);
    pixel = pixel === total.length ? 0 : pixel;
    low = value < low ? value : low;
    high = value > high ? value : high;
    total[pixel] += value;
  }
  return total.map(function (value) {
    return (value - low * shape[0]) / (high - low + 1e-6);
  });
}

// Bilinear, corners on corners.
function upsample(values, from, to) {
  var result = new Float64Array(to[0] * to[1]);
  for (var i = 0; i < to[0]; i++) {
    var y = to[0] > 1 ? i * (from[0] - 1) / (to[0] - 1) : 0;
    var top = Math.min(Math.floor(y), Math.max(0, from[0] - 2));
    var bottom = Math.min(top + 1, from[0] - 1);
    for (var j = 0; j < to[1]; j++) {
      var x = to[1] > 1 ? j * (from[1] - 1) / (to[1] - 1) : 0;
      var left = Math.min(Math.floor(x), Math.max(0, from[1] - 2));
      var right = Math.min(left + 1, from[1] - 1);
      var upper = values[top * from[1] + left] * (1 - x + left) + values[top * from[1] + right] * (x - left);
      var lower = values[bottom * from[1] + left] * (1 - x + left) + values[bottom * from[1] + right] * (x - left);
      result[i * to[1] + j] = upper * (1 - y + top) + lower * (y - top);
    }
  }
  return result;
}
