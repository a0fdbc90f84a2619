#!/usr/bin/perl

# What the console's terminals do when a gateway does what a real one does
# seldom, or at a moment that cannot be chosen: t/browser/link.mjs, in node.

use strict;
use warnings;

use FindBin;
use Test::More;

plan skip_all => 'needs node'
    if system('node --version > /dev/null 2>&1') != 0;

# the sources are modules by the package.json beside them

exec 'node', "$FindBin::Bin/browser/link.mjs",
    "$FindBin::Bin/../src/console";
