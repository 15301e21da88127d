# SPDX-License-Identifier: ISC
pytest_plugins = ["lab.fixtures"]
