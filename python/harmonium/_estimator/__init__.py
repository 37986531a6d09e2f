"""What `BernoulliRBM` does, a file for each of its jobs.

- `parameters`: its parameters as settings of the library
- `inputs`: X as the library takes it
- `learned`: the arrays that it gives out, the model that they make, pickles
- `fitting`: `fit`
- `online`: `partial_fit`
- `interchange`: files, and scikit-learn's own class
"""
