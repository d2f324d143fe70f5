# ruff: noqa: E501  a row is one program in one line
"""scikit-learn's estimators count by their parameters, by what they have learned, and by the code that they hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from plugbay.serializers.pickling import dumps, loads

pytest.importorskip("sklearn")

Row = tuple[str, str, Any, Any]
HEADER = ""
DIFFERENT: dict[str, Row] = {
    "tree": (
        "from sklearn.tree import DecisionTreeClassifier",
        "DecisionTreeClassifier(random_state=0, max_depth=<>).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        1,
        2,
    ),
    "tree_": (
        "from sklearn.tree import DecisionTreeRegressor",
        "DecisionTreeRegressor(random_state=0).fit([[0.], [1.], [2.], [3.]], [0,1,1,<>]).tree_",
        1,
        2,
    ),
    "tree splitting": (
        "from sklearn.tree import DecisionTreeRegressor",
        "DecisionTreeRegressor(random_state=0).fit([[0.], [1.], [2.], [3.]], [0,1,1,<>])",
        1,
        2,
    ),
    "extra trees": (
        "from sklearn.ensemble import ExtraTreesRegressor",
        "ExtraTreesRegressor(3, random_state=<>).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        1,
        2,
    ),
    "gb": (
        "from sklearn.ensemble import GradientBoostingClassifier",
        "GradientBoostingClassifier(n_estimators=3, random_state=<>, subsample=.5).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        1,
        2,
    ),
    "random_state None unfitted": (
        "from sklearn.ensemble import RandomForestClassifier",
        "RandomForestClassifier(<>)",
        3,
        4,
    ),
    "random state object": (
        "import numpy as np\nfrom sklearn.ensemble import RandomForestClassifier",
        "RandomForestClassifier(random_state=np.random.RandomState(<>))",
        3,
        4,
    ),
    "random state object fitted": (
        "import numpy as np\nfrom sklearn.ensemble import RandomForestClassifier",
        "RandomForestClassifier(2,random_state=np.random.RandomState(<>)).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        3,
        4,
    ),
    "column transformer": (
        "from sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import StandardScaler, OneHotEncoder",
        "ColumnTransformer([('a', StandardScaler(), [0]), ('b', OneHotEncoder(), [<>])])",
        1,
        2,
    ),
    "column transformer fitted": (
        "import pandas as pd\nfrom sklearn.compose import ColumnTransformer, make_column_selector\nfrom sklearn.preprocessing import StandardScaler, OneHotEncoder\nF=pd.DataFrame({'a':[1.,2.],'b':['x','<>']})",
        "ColumnTransformer([('a', StandardScaler(), make_column_selector(dtype_include='number')), ('b', OneHotEncoder(), ['b'])]).fit(F)",
        1,
        2,
    ),
    "column selector": ("from sklearn.compose import make_column_selector", "make_column_selector('<>')", 1, 2),
    "column callable": (
        "from sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import StandardScaler\ndef pick(f): return [<>]",
        "ColumnTransformer([('a', StandardScaler(), pick)])",
        1,
        2,
    ),
    "ft kw": (
        "from sklearn.preprocessing import FunctionTransformer\ndef h(x, k): return x+k",
        "FunctionTransformer(h, kw_args={'k': <>})",
        1,
        2,
    ),
    "ft inverse": (
        "from sklearn.preprocessing import FunctionTransformer\ndef h(x): return x+<>",
        "FunctionTransformer(None, inverse_func=h)",
        1,
        2,
    ),
    "ft lambda": ("from sklearn.preprocessing import FunctionTransformer", "FunctionTransformer(lambda x: x+<>)", 1, 2),
    "ft fitted pipeline": (
        "from sklearn.preprocessing import FunctionTransformer\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import Ridge\nimport numpy as np\ndef h(x): return np.asarray(x) if <> else x",
        "make_pipeline(FunctionTransformer(h), Ridge()).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        0,
    ),
    "ft numpy": (
        "from sklearn.preprocessing import FunctionTransformer\nimport numpy as np",
        "FunctionTransformer(np.<>)",
        "log",
        "exp",
    ),
    "pipeline memory": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import Ridge\nfrom sklearn.preprocessing import StandardScaler\nimport joblib",
        "make_pipeline(StandardScaler(), Ridge(<>), memory=joblib.Memory(None))",
        1,
        2,
    ),
    "pipeline memory dir": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import Ridge\nfrom sklearn.preprocessing import StandardScaler\nimport joblib",
        "make_pipeline(StandardScaler(), Ridge(<>), memory='/tmp/dg/cache')",
        1,
        2,
    ),
    "pipeline memory dir2": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import Ridge\nfrom sklearn.preprocessing import StandardScaler\nimport joblib",
        "make_pipeline(StandardScaler(), Ridge(<>), memory=joblib.Memory('/tmp/dg/cache',verbose=0))",
        1,
        2,
    ),
    "feature union": (
        "from sklearn.pipeline import FeatureUnion\nfrom sklearn.decomposition import PCA",
        "FeatureUnion([('a', PCA(<>))])",
        1,
        2,
    ),
    "grid": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge",
        "GridSearchCV(Ridge(), {'alpha': [1, <>]}, cv=2)",
        2,
        3,
    ),
    "grid fitted": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge",
        "GridSearchCV(Ridge(), {'alpha': [1, <>]}, cv=2).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        2,
        3,
    ),
    "grid scorer": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\nfrom sklearn.metrics import make_scorer\ndef s(y,p): return <>",
        "GridSearchCV(Ridge(), {'alpha': [1]}, cv=2, scoring=make_scorer(s))",
        2,
        3,
    ),
    "grid callable scorer": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\ndef s(e,x,y): return <>",
        "GridSearchCV(Ridge(), {'alpha': [1]}, cv=2, scoring=s)",
        2,
        3,
    ),
    "randomized": (
        "from sklearn.model_selection import RandomizedSearchCV\nfrom sklearn.linear_model import Ridge\nimport scipy.stats as st",
        "RandomizedSearchCV(Ridge(), {'alpha': st.loguniform(1e-3, <>)}, cv=2, random_state=0)",
        2,
        3,
    ),
    "kfold": ("from sklearn.model_selection import KFold", "KFold(<>, shuffle=True)", 2, 3),
    "kfold rs": (
        "from sklearn.model_selection import KFold\nimport numpy as np",
        "KFold(2, shuffle=True, random_state=np.random.RandomState(<>))",
        2,
        3,
    ),
    "split generator": (
        "from sklearn.model_selection import KFold",
        "list(KFold(<>).split([[0.], [1.], [2.], [3.]]))",
        2,
        3,
    ),
    "own estimator": (
        "from sklearn.base import BaseEstimator, TransformerMixin\nclass E(TransformerMixin, BaseEstimator):\n    def __init__(self, a=1): self.a=a\n    def fit(self, x, y=None): return self\n    def transform(self, x): return <>",
        "E(2)",
        2,
        3,
    ),
    "own estimator param": (
        "from sklearn.base import BaseEstimator, TransformerMixin\nclass E(TransformerMixin, BaseEstimator):\n    def __init__(self, a=1): self.a=a\n    def fit(self, x, y=None): return self\n    def transform(self, x): return 1",
        "E(<>)",
        2,
        3,
    ),
    "own estimator in pipeline": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.base import BaseEstimator, TransformerMixin\nclass E(TransformerMixin, BaseEstimator):\n    def __init__(self, a=1): self.a=a\n    def fit(self, x, y=None): return self\n    def transform(self, x): return <>",
        "make_pipeline(E(1), E(2))",
        2,
        3,
    ),
    "own subclass of library": (
        "from sklearn.linear_model import Ridge\nclass E(Ridge):\n    def predict(self, x): return <>",
        "E().fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        2,
        3,
    ),
    "own tree": (
        "from sklearn.tree import DecisionTreeClassifier\nclass E(DecisionTreeClassifier):\n    def predict(self, x): return <>",
        "E(random_state=0).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        2,
        3,
    ),
    "custom kernel": ("from sklearn.svm import SVC\ndef k(a,b): return a@b.T*<>", "SVC(kernel=k)", 2, 3),
    "custom kernel fitted": (
        "import numpy as np\nfrom sklearn.svm import SVC\ndef k(a,b): return a@b.T*<>",
        "SVC(kernel=k).fit(np.array([[0.], [1.], [2.], [3.]]),[0, 1, 1, 0])",
        2,
        3,
    ),
    "custom metric": (
        "from sklearn.neighbors import KNeighborsClassifier\ndef k(a,b): return abs(a-b).sum()*<>",
        "KNeighborsClassifier(1, metric=k).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        2,
        3,
    ),
    "balltree": ("from sklearn.neighbors import BallTree", "BallTree([[0.],[<>]])", 2, 3),
    "balltree metric": (
        "from sklearn.neighbors import BallTree\ndef k(a,b): return abs(a-b).sum()*<>",
        "BallTree([[0.],[1]], metric=k)",
        2,
        3,
    ),
    "kdtree": ("from sklearn.neighbors import KDTree", "KDTree([[0.],[<>]])", 2, 3),
    "distance metric": (
        "from sklearn.metrics import DistanceMetric",
        "DistanceMetric.get_metric('minkowski', p=<>)",
        2,
        3,
    ),
    "distance metric func": (
        "from sklearn.metrics import DistanceMetric\ndef k(a,b): return <>",
        "DistanceMetric.get_metric('pyfunc', func=k)",
        2,
        3,
    ),
    "sgd": (
        "from sklearn.linear_model import SGDClassifier",
        "SGDClassifier(random_state=0, max_iter=5000, alpha=<>).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        "1e-3",
        "1e-2",
    ),
    "sgd loss": (
        "from sklearn.linear_model import SGDClassifier",
        "SGDClassifier(random_state=0, loss='huber', max_iter=5000, epsilon=<>).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        "1e-3",
        "1e-2",
    ),
    "gp": (
        "from sklearn.gaussian_process import GaussianProcessRegressor\nfrom sklearn.gaussian_process.kernels import RBF",
        "GaussianProcessRegressor(RBF(<>), optimizer=None).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        2,
        3,
    ),
    "gp optimizer": (
        "from sklearn.gaussian_process import GaussianProcessRegressor\nfrom sklearn.gaussian_process.kernels import RBF\ndef o(a,b,c): return <>",
        "GaussianProcessRegressor(RBF(), optimizer=o)",
        2,
        3,
    ),
    "kmeans": (
        "from sklearn.cluster import KMeans",
        "KMeans(2, random_state=<>, n_init=1).fit([[0.], [1.], [2.], [3.]])",
        0,
        1,
    ),
    "mlp": (
        "from sklearn.neural_network import MLPClassifier",
        "MLPClassifier(3, random_state=<>, max_iter=2).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        0,
        1,
    ),
    "iforest": (
        "from sklearn.ensemble import IsolationForest",
        "IsolationForest(n_estimators=3, random_state=<>).fit([[0.], [1.], [2.], [3.]])",
        0,
        1,
    ),
    "voting": (
        "from sklearn.ensemble import VotingClassifier\nfrom sklearn.linear_model import LogisticRegression",
        "VotingClassifier([('a', LogisticRegression(C=<>))]).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        2,
    ),
    "stacking": (
        "from sklearn.ensemble import StackingRegressor\nfrom sklearn.linear_model import Ridge",
        "StackingRegressor([('a', Ridge(<>))], cv=2).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        2,
    ),
    "bagging": (
        "from sklearn.ensemble import BaggingRegressor\nfrom sklearn.linear_model import Ridge",
        "BaggingRegressor(Ridge(<>), random_state=0).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        2,
    ),
    "calibrated": (
        "from sklearn.calibration import CalibratedClassifierCV\nfrom sklearn.svm import LinearSVC",
        "CalibratedClassifierCV(LinearSVC(C=<>), cv=2).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        2,
    ),
    "tfidf analyzer": (
        "from sklearn.feature_extraction.text import TfidfVectorizer\ndef a(t): return [t+'<>']",
        "TfidfVectorizer(analyzer=a).fit(['a b'])",
        1,
        2,
    ),
    "tfidf tokenizer": (
        "from sklearn.feature_extraction.text import TfidfVectorizer\ndef a(t): return ['<>']",
        "TfidfVectorizer(tokenizer=a, token_pattern=None)",
        1,
        2,
    ),
    "tfidf stop": (
        "from sklearn.feature_extraction.text import TfidfVectorizer",
        "TfidfVectorizer(stop_words=['aa','b<>']).fit(['bb cc'])",
        1,
        2,
    ),
    "tfidf stop english": (
        "from sklearn.feature_extraction.text import TfidfVectorizer",
        "TfidfVectorizer(stop_words='english', max_features=<>).fit(['b c dog cat'])",
        1,
        2,
    ),
    "hashing": (
        "from sklearn.feature_extraction.text import HashingVectorizer",
        "HashingVectorizer(n_features=<>)",
        1,
        2,
    ),
    "ohe": ("from sklearn.preprocessing import OneHotEncoder", "OneHotEncoder().fit([['a'],['<>']])", 1, 2),
    "ordinal": (
        "import numpy as np\nfrom sklearn.preprocessing import OrdinalEncoder",
        "OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=np.nan).fit([['a'],['<>'],[None]])",
        1,
        2,
    ),
    "label": ("from sklearn.preprocessing import LabelEncoder", "LabelEncoder().fit(['a','<>'])", 1, 2),
    "imputer": (
        "import numpy as np\nfrom sklearn.impute import SimpleImputer",
        "SimpleImputer(missing_values=np.nan).fit([[<>],[np.nan]])",
        1,
        2,
    ),
    "knn imputer": (
        "import numpy as np\nfrom sklearn.impute import KNNImputer",
        "KNNImputer().fit([[<>],[np.nan]])",
        1,
        2,
    ),
    "iterative": (
        "from sklearn.experimental import enable_iterative_imputer\nfrom sklearn.impute import IterativeImputer\nimport numpy as np",
        "IterativeImputer(random_state=0).fit([[<>.,1],[np.nan,2],[4,4]])",
        1,
        2,
    ),
    "set_output": (
        "from sklearn.preprocessing import StandardScaler",
        "StandardScaler().set_output(transform='<>')",
        "pandas",
        "default",
    ),
    "metadata routing": (
        "import sklearn\nsklearn.set_config(enable_metadata_routing=True)\nfrom sklearn.linear_model import Ridge\nR=Ridge().set_fit_request(sample_weight=<>)\nsklearn.set_config(enable_metadata_routing=False)",
        "R",
        True,
        False,
    ),
    "set_config": ("import sklearn\nsklearn.set_config(transform_output='<>')", "1", "pandas", "default"),
    "bunch": ("from sklearn.utils import Bunch", "Bunch(a=<>)", 1, 2),
    "isotonic": ("from sklearn.isotonic import IsotonicRegression", "IsotonicRegression().fit([1,2,3],[1,2,<>])", 1, 2),
    "frozen": (
        "from sklearn.frozen import FrozenEstimator\nfrom sklearn.linear_model import Ridge",
        "FrozenEstimator(Ridge(<>).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0]))",
        1,
        2,
    ),
    "tt": (
        "from sklearn.compose import TransformedTargetRegressor\nfrom sklearn.linear_model import Ridge\ndef f(y): return y*<>",
        "TransformedTargetRegressor(Ridge(), func=f, inverse_func=f, check_inverse=False)",
        1,
        2,
    ),
    "loss": ("from sklearn._loss import HuberLoss", "HuberLoss(quantile=<>)", 0.1, 0.2),
    "hgb fitted": (
        "from sklearn.ensemble import HistGradientBoostingRegressor",
        "HistGradientBoostingRegressor(max_iter=3, loss='quantile', quantile=<>, random_state=0).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        0.1,
        0.2,
    ),
    "birch": ("from sklearn.cluster import Birch", "Birch(n_clusters=<>).fit([[0.], [1.], [2.], [3.]])", 1, 2),
    "dbscan": ("from sklearn.cluster import DBSCAN", "DBSCAN(<>).fit([[0.], [1.], [2.], [3.]])", 1, 2),
    "hdbscan": (
        "from sklearn.cluster import HDBSCAN",
        "HDBSCAN(min_cluster_size=2, copy=True, alpha=<>).fit([[0.], [1.], [2.], [3.]])",
        1.0,
        2.0,
    ),
    "lof": (
        "from sklearn.neighbors import LocalOutlierFactor",
        "LocalOutlierFactor(<>, novelty=True).fit([[0.], [1.], [2.], [3.]])",
        1,
        2,
    ),
    "clone": ("from sklearn.base import clone\nfrom sklearn.linear_model import Ridge", "clone(Ridge(<>))", 1, 2),
    "display": (
        "from sklearn.metrics import ConfusionMatrixDisplay\nimport numpy as np",
        "ConfusionMatrixDisplay(np.array([[<>]]))",
        1,
        2,
    ),
    "warm": (
        "from sklearn.ensemble import AdaBoostClassifier",
        "AdaBoostClassifier(n_estimators=<>, random_state=0).fit([[0.], [1.], [2.], [3.]],[0, 1, 1, 0])",
        1,
        2,
    ),
    "dictvec": (
        "from sklearn.feature_extraction import DictVectorizer",
        "DictVectorizer().fit([{'a':1,'b<>':2}])",
        1,
        2,
    ),
    "lda": (
        "from sklearn.decomposition import LatentDirichletAllocation",
        "LatentDirichletAllocation(2, random_state=<>, max_iter=1).fit([[0.], [1.], [2.], [3.]])",
        1,
        2,
    ),
    "rbm": (
        "from sklearn.neural_network import BernoulliRBM",
        "BernoulliRBM(2, random_state=<>, n_iter=1).fit([[0.], [1.], [2.], [3.]])",
        1,
        2,
    ),
    "class_weight": (
        "from sklearn.linear_model import LogisticRegression",
        "LogisticRegression(class_weight={0: <>, 1: 2})",
        1,
        2,
    ),
    "estimator callback": (
        "from sklearn.feature_selection import SelectKBest\ndef s(x,y): return <>",
        "SelectKBest(s, k=1)",
        1,
        2,
    ),
    "sfm": (
        "from sklearn.feature_selection import SelectFromModel\nfrom sklearn.linear_model import Lasso\ndef s(e): return <>",
        "SelectFromModel(Lasso(), importance_getter=s)",
        1,
        2,
    ),
    "halving search": (
        "from sklearn.experimental import enable_halving_search_cv\nfrom sklearn.model_selection import HalvingGridSearchCV\nfrom sklearn.linear_model import Ridge",
        "HalvingGridSearchCV(Ridge(), {'alpha': [1, <>]}, cv=2, min_resources=4, random_state=0).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        2,
        3,
    ),
    "own search": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\nclass Own(GridSearchCV):\n    def predict(self, x): return <>",
        "Own(Ridge(), {'alpha': [1, 2]}, cv=2).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        2,
        3,
    ),
    "data of a search": (
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge",
        "GridSearchCV(Ridge(), {'alpha': [1, 2]}, cv=2).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, <>])",
        2,
        3,
    ),
    "search in a pipeline": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge",
        "make_pipeline(GridSearchCV(Ridge(), {'alpha': [1, 2]}, cv=2)).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, <>])",
        2,
        3,
    ),
}


@pytest.fixture(scope="module")
def taken(fingerprints: Callable[..., dict[str, list[Any]]]) -> dict[str, list[Any]]:
    return fingerprints("sklearn", HEADER, DIFFERENT)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", DIFFERENT)
def test_an_estimator_counts_by_its_content_in_every_process(name: str, taken: dict[str, list[Any]]) -> None:
    (before, unknown), again, after, after_again = taken[name]
    assert unknown == []
    assert [before, unknown] == again
    assert after == after_again
    assert before != after[0]


FITTED = {
    "forest": "__import__('sklearn.ensemble').ensemble.RandomForestClassifier(3, random_state=0).fit(X, Y)",
    "trees": "__import__('sklearn.ensemble').ensemble.HistGradientBoostingClassifier(max_iter=2, random_state=0).fit(X, Y)",
    "neighbors": "__import__('sklearn.neighbors').neighbors.KNeighborsClassifier(1, algorithm='ball_tree').fit(X, Y)",
    "texts": "__import__('sklearn.feature_extraction.text').feature_extraction.text.TfidfVectorizer(stop_words='english').fit(['one dog', 'a cat'])",
}
WRITE = """
import hashlib, json, sys
from plugbay.serializers.pickling import dumps
X, Y = [[0.], [1.], [2.], [3.]] * 9, [0, 1, 1, 0] * 9
print(json.dumps({name: hashlib.sha256(dumps(eval(text))).hexdigest() for name, text in json.loads(sys.argv[1]).items()}))
"""


@pytest.fixture(scope="module")
def written() -> list[dict[str, str]]:
    """The digests of the pickles that two processes write."""
    return [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", WRITE, json.dumps(FITTED)],
                env={**os.environ, "PYTHONHASHSEED": seed},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            ).stdout
        )
        for seed in ("0", "77")
    ]


@pytest.mark.parametrize("name", FITTED)
def test_two_processes_write_the_same_bytes_for_the_same_estimator(name: str, written: list[dict[str, str]]) -> None:
    assert written[0][name] == written[1][name]


def test_a_vectorizer_that_comes_back_works_as_before() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words=["one"]).fit(["one dog", "a cat"])
    loaded = loads(dumps(vectorizer))
    assert loaded.vocabulary_ == vectorizer.vocabulary_
    assert (loaded.transform(["one dog"]) != vectorizer.transform(["one dog"])).nnz == 0
