#!/usr/bin/env bash
# scikit-learn 1.9.1: a fitted TfidfVectorizer or CountVectorizer has the address of its stop words as an attribute
# (`_stop_words_id`), also where there are none (that of None), and pickles it. Two processes that fit the same vectorizer on the
# same text get pickles of different bytes and different values of joblib.hash, although all that was learnt is equal: a cache
# that is keyed by the one or the other never finds the answer of another process.
# Expected: equal hashes. Seen: a hash of its own in each of three processes, and one in all of them without that attribute.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/python" -m pip install --quiet scikit-learn==1.9.1 joblib==1.6.0
cat > "$directory/fit.py" <<'PROGRAM'
import sys

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer

fitted = TfidfVectorizer().fit(["the cat sat", "a dog ran"])
if sys.argv[1] == "without":
    del fitted._stop_words_id
print(joblib.hash(fitted))
PROGRAM
hashes() {
    for _ in 1 2 3; do
        "$directory/venv/bin/python" "$directory/fit.py" "$1"
    done | sort -u | wc -l
}
with=$(hashes with) without=$(hashes without)
echo "different hashes of three processes: $with with the attribute, $without without it"
[ "$with" -gt 1 ] && [ "$without" -eq 1 ] || { echo "the behaviour has changed"; exit 1; }
