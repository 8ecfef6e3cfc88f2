"""One device: train and save."""

import sys

from _model import BATCH, data, model

x, y = data()
trained = model()
trained.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
trained.save(sys.argv[1])
