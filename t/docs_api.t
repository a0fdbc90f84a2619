#!/usr/bin/perl

# The curl lines of docs/api.md, one after the other in one shell, as they
# stand there; only the address is another.

use strict;
use warnings;

use Test::More;

use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Sled;
use Uplink::Test;

plan skip_all => 'no curl' if system('curl --version > /dev/null 2>&1') != 0;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone demo 4m;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled demo; }
        location /v1/ { uplink_api demo; }
        location = /status { uplink_status demo; }
    }
EOC

$t->run;

my @lines = grep { /^    (?:\w+=)?\S*curl|^    [A-Z]+=/ }
    split /\n/, $t->read_file("$Uplink::Test::root/docs/api.md");

cmp_ok(scalar @lines, '>', 10, 'there are lines to try');

# the sled of the examples

my $sled = sled($t, 'alpha');

my $port = $t->port;
my @script;

for my $line (@lines) {
    my ($text) = $line =~ /^ +(.*)/;

    $text =~ s/127\.0\.0\.1:8080/127.0.0.1:$port/;
    $text =~ s{^curl -s }{curl -s -w '\\n%{http_code}\\n' }
        or push @script, $text;
    push @script, $text, 'echo =' if $text =~ /^curl/;
}

my $script = join "\n", @script;

$t->write_file('script', "$script\n");

my @out = split /^=\n/m, `sh $t->{dir}/script 2>&1`;
my @curl = grep { /^ +curl/ } @lines;

is(scalar @out, scalar @curl, 'each says something');

for my $i (0 .. $#curl) {
    my ($line) = $curl[$i] =~ /^ +(.*)/;
    my ($body, $status) = ($out[$i] // '') =~ /\A(.*?)\s*(\d{3})\s*\z/s;

    # nobody is there to answer the question

    like($status // '', $line =~ m{/ask} ? qr/^504$/ : qr/^20\d$/, $line)
        or diag $out[$i];
    next if ($status // '') eq '204';

    if ($line =~ m{/events$}) {
        like($body, qr/\Aretry: \d+$/m, 'a stream');
        next;
    }

    ok(defined eval { JSON::PP->new->utf8->decode($body) }, 'JSON')
        or diag $out[$i];
}

for my $op (@{$t->http(GET => '/v1/operators')->json->{operators}}) {
    $t->http(DELETE => "/v1/operators/$op->{sid}");
}

$t->finish(leaves => 'requests are remembered');

done_testing;
