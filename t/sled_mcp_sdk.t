#!/usr/bin/perl

# sled mcp and the MCP TypeScript SDK's own client, from npm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Fcntl qw(:flock);
use JSON::PP;
use Test::More;

use Uplink::Daemon;
use Uplink::Test;

my $version = '1.32.2';
my $build = $ENV{BUILD} // "$Uplink::Test::root/build";
my $npm = "$build/npm";
my $sdk = "$npm/node_modules/\@modelcontextprotocol/sdk";

plan skip_all => 'needs node and npm'
    if system('node --version > /dev/null 2>&1 && npm --version > /dev/null');

mkdir $npm;
open my $lock, '>', "$npm/lock" or die "$npm: $!";
flock $lock, LOCK_EX;

if (!-e "$sdk/package.json") {
    system("npm install --silent --no-fund --no-audit --prefix '$npm'"
        . " '\@modelcontextprotocol/sdk\@$version' > '$npm/log' 2>&1") == 0
        or plan skip_all => 'npm cannot install the SDK';
}

close $lock;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_request_memory 1s;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $sled = Uplink::Daemon->new(gateway => 'ws://127.0.0.1:' . $t->port
    . '/sled');
$sled->run;
$sled->wait_log(qr/registered/);

my $binary = $sled->{binary};
my $peer = do {
    local $sled->{binary} = 'node';
    local $sled->{valgrind};
    $sled->start("$FindBin::Bin/sled_mcp_client.mjs", $sdk, $binary);
};

sub pending {
    my ($n) = @_;

    my $list;

    $t->wait_for(sub {
        $list = $t->http(GET => '/v1/requests?state=pending')
            ->json->{requests};
        return @$list == $n;
    }, 20) or diag($peer->err);

    return $list->[0];
}

for my $approved (1, 0) {
    my $request = pending(1);
    is($request->{tool_input}{path}, $approved ? '/yes' : '/no', 'asked');
    $t->http(POST => "/v1/requests/$request->{req_id}/decision",
        json => { approved => $approved ? JSON::PP::true : JSON::PP::false });
    $t->wait_for(sub { $peer->out =~ m{"$request->{tool_input}{path}"} });
}

is(pending(1)->{tool_input}{path}, '/never', 'the one that is aborted');
ok(!pending(0), 'and withdrawn');

is($peer->wait, 0, 'the client is content') or diag($peer->err);

my %said = map { my $line = JSON::PP->new->decode($_);
    $line->{what} => $line->{value} } split /\n/, $peer->out;

is($said{server}{name}, 'sled', 'the server');
is_deeply([map { $_->{name} } @{$said{tools}}], ['approve'], 'its tool');
is_deeply($said{'/yes'}, { behavior => 'allow',
    updatedInput => { path => '/yes' } }, 'allowed');
is($said{'/no'}{behavior}, 'deny', 'denied');
ok($said{aborted}, 'aborted');
ok($said{closed}, 'closed');

$sled->finish;
$t->finish(leaves => 'requests are remembered');
done_testing;
