// The page's half of `drawn_shift`: what becomes of a network when g(x) = <slope, x> is added to each of its logits.

var shift = {};

// The slope, and the network with g at the input: its probabilities, and the gradient of <adjoint, logits + g>.
function shifted(now) {
  var drawing = now.drawing || now.x;
  var before = now.parts().gradient;
  var unit = largest(before) || 1;
  var taken = now.settings.old_map === "taken away";
  var slope = drawing.map(function (value, k) {
    return now.settings.strength * unit * value - (taken ? before[k] : 0);
  });
  var g = sum(times(slope, now.x));
  var logits = now.logits.map(function (logit) {
    return logit + g;
  });
  return {
    drawing: drawing, before: before, unit: unit, taken: taken, logits: logits, probabilities: softmax(logits),
    // By the chain rule: g stands in every logit.
    gradient: function (adjoint) {
      var total = sum(adjoint);
      return now.gradients(adjoint)[0].map(function (value, k) {
        return value + total * slope[k];
      });
    }
  };
}

shift.logit = function (now) {
  var there = shifted(now);
  var after = there.gradient(oneAt(now));
  var strength = now.settings.strength;
  var drawn = there.drawing.some(Boolean);
  var said = "Nothing is added";
  if (drawn && strength > 0) {
    said = "White adds " + significant(strength * there.unit);
    if (there.before.some(Boolean)) {
      said += ", " + significant(strength) + " times the old map's strongest value";
    }
  }
  if (there.taken) {
    said += ", and the old map is taken away";
  }
  if (after.some(Boolean)) {
    said += ". Cosine of the new map with the old one: " + cosine(after, there.before) +
      (drawn ? "; with the drawing: " + cosine(after, there.drawing) : "");
  } else {
    said += ". The new map is empty";
  }
  return { pictures: [mapOf(there.before, now.shape), mapOf(after, now.shape)], text: said + "." };
};

shift.loss = function (now) {
  var there = shifted(now);
  var before = now.gradients(errors(now, now.probabilities))[0];
  var after = there.gradient(errors(now, there.probabilities));
  return {
    pictures: [mapOf(before, now.shape), mapOf(after, now.shape)],
    text: "Strongest " + significant(largest(before)) + ", in size; " + moved("value", before, after) + "."
  };
};

shift.before = function (now) {
  var result = views.probabilities(now);
  result.pictures.unshift(inputOf(now));
  return result;
};

shift.after = function (now) {
  var there = shifted(now);
  var bars = { kind: "bars", labels: now.labels, values: there.probabilities, chosen: now.target };
  return {
    pictures: [inputOf(now), bars],
    text: "g adds " + twoDigits(there.logits[now.target] - now.logits[now.target]) +
      " to every logit; " + moved("probability", now.probabilities, there.probabilities) + "."
  };
};

function inputOf(now) {
  return { kind: "image", values: Array.from(now.x), shape: now.shape };
}

function mapOf(gradient, shape) {
  return { kind: "map", values: Array.from(channelSum(gradient, shape)), shape: shape.slice(1) };
}

function oneAt(now) {
  return now.labels.map(function (_, k) {
    return k === now.target ? 1 : 0;
  });
}

// The gradient of the cross-entropy of the target with respect to the logits.
function errors(now, probabilities) {
  var one = oneAt(now);
  return probabilities.map(function (p, k) {
    return p - one[k];
  });
}

function largest(values) {
  return values.reduce(function (most, value) {
    return Math.max(most, Math.abs(value));
  }, 0);
}

function cosine(a, b) {
  var norms = Math.sqrt(sum(times(a, a)) * sum(times(b, b)));
  return twoDigits(norms > 0 ? sum(times(a, b)) / norms : 0);
}

// With no sign before a zero.
function twoDigits(value) {
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);
}

function moved(what, before, after) {
  var most = largest(after.map(function (value, k) {
    return value - before[k];
  }));
  return most < 1e-9 ? "no " + what + " moves by as much as a billionth"
    : "a " + what + " moves by " + significant(most);
}
