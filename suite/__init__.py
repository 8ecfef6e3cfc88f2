"""Do Keras models with batch normalization give the same results on every backend, one device and many?"""
