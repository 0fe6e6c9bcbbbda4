"""Prints histograms, images and scalars of a folder of event files as TensorBoard reads them: python3 read-tfevents.py FOLDER"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"histograms": 0, "scalars": 0, "images": 0, "tensors": 0})
events.Reload()
histograms = {}
for tag in events.Tags()["histograms"]:
    for event in events.Histograms(tag):
        value = event.histogram_value
        parts = {"min": value.min, "max": value.max, "num": value.num, "sum": value.sum, "sum_squares": value.sum_squares}
        histograms[tag] = {"step": event.step, **parts, "limits": list(value.bucket_limit), "counts": list(value.bucket)}
# The form in which the histogram dashboard draws them: [left, right, count] for each bucket.
tensors = {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}
scalars = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
print(json.dumps({"histograms": histograms, "scalars": scalars, "tensors": tensors, "images": events.Tags()["images"]}))
