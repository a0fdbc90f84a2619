#!/usr/bin/perl

# A missing library ends nginx's configure with a line that names it.  The
# compiler here is the real one, less that library.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Matrix;

my $dir = Uplink::Matrix::tree('missing');

chdir $dir or die "chdir $dir: $!";

my %text = (
    crypto => [qr/error: the ngx_uplink_module requires the OpenSSL library/,
        qr/libssl-dev/],
);

for my $name (sort keys %text) {
    my $cc = "$dir/cc-without-$name";

    open my $file, '>', $cc or die "$cc: $!";
    print $file <<"END";
#!/bin/sh

for arg in "\$@"; do
    [ "\$arg" != -l$name ] || exit 1
done

exec gcc "\$@"
END
    close $file;
    chmod 0755, $cc;

    my $output = `sh ./configure --with-compat --with-cc=$cc \\
        --add-dynamic-module=$Uplink::Test::root 2>&1`;

    isnt($?, 0, "configure fails without $name");

    # the last words, not the many lines before them

    my $last = substr $output, -400;
    like($last, $text{$name}[0], 'and says so');
    like($last, $text{$name}[1], 'and what to install');
}

chdir $Uplink::Test::root;

done_testing;
