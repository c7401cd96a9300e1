// The page's half of `drawn_shift`: what becomes of a network when g(x) = <slope, x> is added to each of its logits.

var shift = {};

// The slope, and the network with g at the input: its probabilities, and the gradient of <adjoint, logits + g>.
function shifted(now) {
  var drawing = now.drawing || now.x;
  var before = now.gradient();
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
  var after = there.gradient(oneAtTarget(now));
  var strength = now.settings.strength;
  var drawn = there.drawing.some(Boolean);
  var facts = [];
  if (drawn && strength > 0) {
    facts.push(["white", { added: strength * there.unit }]);
    if (there.before.some(Boolean)) {
      facts.push(["times", { strength: strength }]);
    }
  } else {
    facts.push(["nothing", {}]);
  }
  if (there.taken) {
    facts.push(["taken", {}]);
  }
  if (after.some(Boolean)) {
    facts.push(["old", { cosine: cosine(after, there.before) }]);
    if (drawn) {
      facts.push(["drawing", { cosine: cosine(after, there.drawing) }]);
    }
  } else {
    facts.push(["empty", {}]);
  }
  return maps(now, there.before, after, facts.concat([["end", {}]]));
};

shift.loss = function (now) {
  var there = shifted(now);
  var before = now.lossGradient();
  var after = there.gradient(lossAdjoint(now, there.probabilities));
  return maps(now, before, after, [["strongest", { value: largest(before) }], moved(before, after)]);
};

shift.before = function (now) {
  var result = views.probabilities(now);
  result.pictures.unshift(inputOf(now));
  return result;
};

shift.after = function (now) {
  var there = shifted(now);
  var bars = { kind: "bars", labels: now.labels, values: there.probabilities, chosen: now.target };
  var added = there.logits[now.target] - now.logits[now.target];
  return {
    pictures: [inputOf(now), bars],
    facts: [["added", { added: added }], moved(now.probabilities, there.probabilities)]
  };
};

function inputOf(now) {
  return { kind: "image", values: Array.from(now.x), shape: now.shape };
}

function maps(now, before, after, facts) {
  return {
    pictures: [before, after].map(function (gradient) {
      return { kind: "map", values: Array.from(channelSum(gradient, now.shape)), shape: now.shape.slice(1) };
    }),
    facts: facts
  };
}

function cosine(a, b) {
  var norms = Math.sqrt(sum(times(a, a)) * sum(times(b, b)));
  return norms > 0 ? sum(times(a, b)) / norms : 0;
}
