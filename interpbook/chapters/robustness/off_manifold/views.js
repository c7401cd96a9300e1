// The page's half of `painted_noise`: an image before and after the reader has painted noise on it, and what two
// networks, whose logits stand one after the other, make of both.

var paintedNoise = {};

// How much probability moves in both networks, with the first noisy image and the image; `names` are the networks'.
paintedNoise.moved = function (names) {
  return function (now, tables) {
    var noisy = withNoise(now, tables, 0).map(function (value) {
      return Math.min(1, Math.max(0, value));
    });
    var facts = [["noise", { on: paintedLength(now, tables, 1), beside: paintedLength(now, tables, 0) }]];
    var distances = names.map(function (_, which) {
      var before = answerOf(now, which);
      var after = noisyAnswers(now, tables, which);
      var seen = bestOf(before, 0, before.length);
      facts.push([["first", "second"][which], {
        label: now.labels[seen], before: before[seen], after: meanOf(after)[seen]
      }]);
      return sum(after.map(function (answer) {
        return distance(answer, before);
      })) / after.length;
    });
    return {
      pictures: [
        { kind: "image", values: Array.from(noisy), shape: now.shape },
        { kind: "image", values: Array.from(now.x), shape: now.shape },
        { kind: "bars", labels: names, values: distances }
      ],
      facts: facts
    };
  };
};

// One of the networks: the gradient of the log-probability of what it sees in the image, and its answer before and
// with the noise.
paintedNoise.network = function (which) {
  return function (now, tables) {
    var before = answerOf(now, which);
    var after = meanOf(noisyAnswers(now, tables, which));
    var seen = bestOf(before, 0, before.length);
    var there = bestOf(after, 0, after.length);
    var gradient = logGradient(now, which, before, seen);
    var squares = times(gradient, gradient);
    var facts = [gradient.some(Boolean)
      ? ["looks", { on: sum(times(squares, digitOf(now, tables))) / sum(squares), label: now.labels[seen] }]
      : ["flat", { label: now.labels[seen] }]];
    facts.push([seen === there ? "stays" : "turns", { label: now.labels[there], share: after[there] }]);
    return {
      pictures: [
        { kind: "map", values: Array.from(gradient), shape: now.shape.slice(1) },
        { kind: "bars", labels: now.labels, values: before, chosen: seen },
        { kind: "bars", labels: now.labels, values: after, chosen: seen }
      ],
      facts: facts
    };
  };
};

// The image with one draw of the noise, where it was painted.
function withNoise(now, tables, draw) {
  return now.x.map(function (value, k) {
    return value + now.settings.strength * now.drawing[k] * tables.noise.values[draw * now.x.length + k];
  });
}

// The answers of one network to the image with every draw. All views ask for them, so the states are kept with `now`.
function noisyAnswers(now, tables, which) {
  now.noisy = now.noisy || Array.from({ length: tables.noise.shape[0] }, function (_, draw) {
    return now.at(withNoise(now, tables, draw));
  });
  return now.noisy.map(function (there) {
    return answerOf(there, which);
  });
}

function answerOf(now, which) {
  var first = which * now.labels.length;
  return softmax(now.logits.slice(first, first + now.labels.length));
}

function meanOf(answers) {
  return answers[0].map(function (_, k) {
    return sum(answers.map(function (answer) {
      return answer[k];
    })) / answers.length;
  });
}

function distance(answer, other) {
  return sum(answer.map(function (p, k) {
    return Math.abs(p - other[k]);
  })) / 2;
}

// 1 on the digit of the input, 0 beside it.
function digitOf(now, tables) {
  var first = now.settings.input * now.shape[1];
  return now.x.map(function (_, k) {
    return tables.rows.values[first + Math.floor(k / now.shape[2])];
  });
}

// The root of the mean square length of the noise on the digit (1) or beside it (0).
function paintedLength(now, tables, on) {
  var digit = digitOf(now, tables);
  return now.settings.strength * Math.sqrt(sum(now.drawing.map(function (value, k) {
    return digit[k] === on ? value * value : 0;
  })));
}

function logGradient(now, which, probabilities, seen) {
  var adjoint = new Float64Array(now.logits.length);
  probabilities.forEach(function (p, k) {
    adjoint[which * probabilities.length + k] = (k === seen ? 1 : 0) - p;
  });
  return now.gradients(adjoint)[0];
}
