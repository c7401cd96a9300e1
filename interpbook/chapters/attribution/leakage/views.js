// The page's half of `where_is_the_evidence`: two blocks, of which one has a digit, and where in them the gradients of
// several networks lie, whose logits stand one after the other.

var evidence = {};
var EMPTY = "the empty block";

// The share of |gradient| on the digit's block for each network; `names` are theirs.
evidence.shares = function (names) {
  return function (now, tables) {
    var blocks = blocksOf(now, tables);
    var there = now.at(blocks.x);
    var shares = names.map(function (_, which) {
      return blocks.drawn ? shareOnDigit(gradientOf(there, which, seenBy(there, which)), blocks.digit) : 0;
    });
    var facts = shares.map(function (share, which) {
      return [which ? "next" : "first", { name: names[which], share: share }];
    });
    return {
      pictures: [{ kind: "bars", labels: names, values: shares, mark: 0.5 }],
      facts: blocks.drawn ? facts.concat([["end", {}]]) : [["nothing", {}]]
    };
  };
};

evidence.seen = function (now, tables) {
  var blocks = blocksOf(now, tables);
  return {
    pictures: [{ kind: "image", values: Array.from(blocks.x), shape: now.shape }],
    facts: [blocks.drawn ? [blocks.digit ? "below" : "above", { other: blocks.other }] : ["nothing", {}]]
  };
};

// One of the networks: the gradient of its answer, and its probabilities.
evidence.network = function (which) {
  return function (now, tables) {
    var blocks = blocksOf(now, tables);
    var there = now.at(blocks.x);
    var answer = answerOf(there, which);
    var seen = seenBy(there, which);
    var gradient = gradientOf(there, which, seen);
    var facts = [["says", { label: now.labels[seen], share: answer[seen] }]];
    if (!gradient.some(Boolean)) {
      facts.push(["flat", {}]);
    } else if (blocks.drawn) {
      var share = shareOnDigit(gradient, blocks.digit);
      facts.push(["looks", { on: share, off: 1 - share, other: blocks.other }]);
      facts = facts.concat(elsewhere(now, blocks, which, seen, gradient));
    }
    return {
      pictures: [
        { kind: "map", values: Array.from(gradient), shape: now.shape.slice(1) },
        { kind: "bars", labels: now.labels, values: answer, chosen: seen }
      ],
      facts: facts
    };
  };
};

// The same class with the other block erased, and with the blocks swapped.
function elsewhere(now, blocks, which, seen, gradient) {
  var facts = [];
  if (blocks.other !== EMPTY) {
    var erased = now.at(withoutOther(blocks.x, blocks.digit));
    var left = gradientOf(erased, which, seen);
    facts.push(["erased", { other: blocks.other, label: now.labels[seen], share: answerOf(erased, which)[seen] }]);
    facts.push(left.some(Boolean) ? ["left", { share: 1 - shareOnDigit(left, blocks.digit) }] : ["flat", {}]);
  }
  var there = gradientOf(now.at(swapped(blocks.x)), which, seen);
  if (there.some(Boolean)) {
    var lengths = Math.sqrt(sum(times(gradient, gradient)) * sum(times(there, there)));
    facts.push(["swapped", { cosine: sum(times(gradient, there)) / lengths }]);
  }
  return facts;
}

// What the networks see, the digit's block (0 above, 1 below), whether there is anything but rings and black, and what
// stands in the other block. All views ask for it, so it is kept with `now`.
function blocksOf(now, tables) {
  now.blocks = now.blocks || readBlocks(now, tables.ring.values);
  return now.blocks;
}

function readBlocks(now, pixels) {
  var ring = Float64Array.from(pixels, function (value) {
    return value / 255;
  });
  var strange = [0, 1].map(function (block) {
    var half = halfOf(now.x, block);
    return Math.min(sum(half.map(function (value, k) {
      return Math.abs(value - ring[k]);
    })), sum(half));
  });
  var digit = strange[1] > strange[0] ? 1 : 0;
  var x = now.x;
  if (now.settings.input === "other block erased") {
    x = withoutOther(x, digit);
  } else if (now.settings.input === "blocks swapped") {
    x = swapped(x);
    digit = 1 - digit;
  }
  var other = halfOf(x, 1 - digit);
  var isRing = other.every(function (value, k) {
    return value === ring[k];
  });
  var word = isRing ? "the ring" : "the other drawing";
  return { x: x, digit: digit, drawn: strange.some(Boolean), other: other.some(Boolean) ? word : EMPTY };
}

function halfOf(values, block) {
  var size = values.length / 2;
  return values.slice(block * size, (block + 1) * size);
}

function withoutOther(x, digit) {
  return x.map(function (value, k) {
    return Math.floor(2 * k / x.length) === digit ? value : 0;
  });
}

function swapped(x) {
  return x.map(function (_, k) {
    return x[(k + x.length / 2) % x.length];
  });
}

// 0 where all of the gradient is zero.
function shareOnDigit(gradient, digit) {
  var sizes = gradient.map(Math.abs);
  return sum(halfOf(sizes, digit)) / sum(sizes) || 0;
}

function answerOf(now, which) {
  var first = which * now.labels.length;
  return softmax(now.logits.slice(first, first + now.labels.length));
}

function seenBy(now, which) {
  return bestOf(now.logits, which * now.labels.length, now.labels.length);
}

// Of the logit or the log-probability of the class `seen`.
function gradientOf(now, which, seen) {
  var adjoint = new Float64Array(now.logits.length);
  answerOf(now, which).forEach(function (p, k) {
    adjoint[which * now.labels.length + k] = (k === seen ? 1 : 0) - (now.settings.gradient_of === "logit" ? 0 : p);
  });
  return now.gradients(adjoint)[0];
}
