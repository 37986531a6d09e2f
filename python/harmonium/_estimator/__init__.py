"""The work of the estimators, one file for each task.

- `parameters`: its parameters as settings of the library
- `inputs`: X as the library takes it
- `learned`: the learned arrays, the model that they make, pickling
- `fitting`: `fit`
- `online`: `partial_fit`
- `interchange`: files, and scikit-learn's own class
- `methods`: what the estimators share, in terms of the others
- `targets`: y of `RBMClassifier`
- `categories`: X of `CategoricalRBM`, and its values
"""
