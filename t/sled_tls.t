#!/usr/bin/perl

# The way of sled to its gateway: TLS with a CA of its own, a client
# certificate, an HTTP proxy, several addresses, and a gateway that is silent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;
use Uplink::Test;

my $t = Uplink::Test->new;
my $dir = $t->dir;

sub openssl {
    system("openssl $_[0] > $dir/openssl.log 2>&1") == 0
        or die $t->read_file('openssl.log');
    return;
}

for my $ca (qw(ca other)) {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        . " -days 2 -subj /CN=$ca -keyout $dir/$ca.key -out $dir/$ca.pem");
}

for my $name (qw(localhost client)) {
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        . " -subj /CN=$name -addext subjectAltName=DNS:$name"
        . " -keyout $dir/$name.key -out $dir/$name.csr");
    openssl("x509 -req -in $dir/$name.csr -CA $dir/ca.pem -CAkey $dir/ca.key"
        . " -CAcreateserial -days 2 -copy_extensions copy"
        . " -out $dir/$name.pem");
}

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        server_name localhost;
        ssl_certificate %%DIR%%/localhost.pem;
        ssl_certificate_key %%DIR%%/localhost.key;
        ssl_client_certificate %%DIR%%/ca.pem;
        ssl_verify_client optional;
        location = /sled { uplink_sled main; }
        location = /sled/cert {
            if ($ssl_client_verify != SUCCESS) { return 403; }
            uplink_sled main;
        }
        location = /sled/moved { return 302 https://localhost:1/; }
    }
EOC

$t->run;

my $port = $t->port;

sub tries {
    my ($re, $name, $url, %arg) = @_;

    my $sled = Uplink::Daemon->new(gateway => $url, env => $arg{env} // {});
    $sled->run(@{$arg{flags} // []}, '--retry-refused', '1h');

    # a name may have addresses at which nobody listens: several tries

    my $end = $re =~ /unreachable/ ? qr/try 3 / : $re;
    like($sled->wait_log(qr/registered: |$end/), $re, $name);
    $sled->finish;

    return $sled;
}

my $url = "wss://localhost:$port/sled";
my @ca = ('--ca', "$dir/ca.pem");

tries(qr/registered/, 'a CA of our own', $url, flags => \@ca);
tries(qr/unreachable/, 'the CA of somebody else', $url,
    flags => ['--ca', "$dir/other.pem"]);
tries(qr/unreachable/, 'the CAs of the system', $url);
tries(qr/unreachable/, 'another name', "wss://127.0.0.1:$port/sled",
    flags => \@ca);
tries(qr/refused: .*403/, 'no client certificate', "$url/cert",
    flags => \@ca);
tries(qr/registered/, 'a client certificate', "$url/cert",
    flags => [@ca, '--cert', "$dir/client.pem", '--key', "$dir/client.key"]);
tries(qr/unreachable: .*302/, 'no credential follows a redirect',
    "$url/moved", flags => \@ca, env => { SLED_TOKEN => 'secret' });

# a proxy, which wants a password

my $listen = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1:0');
my $proxy_pid = fork // die;

if ($proxy_pid == 0) {
    $SIG{$_} = 'DEFAULT' for qw(ALRM TERM INT);

    while (my $in = $listen->accept) {
        my $head = '';
        while ($head !~ /\r\n\r\n/) { sysread $in, $head, 4096, length $head
            or last }
        open my $log, '>>', "$dir/proxy.log";
        print $log $head;
        close $log;

        if ($head !~ /^Proxy-authorization: Basic dTpw\r/mi) {
            syswrite $in, "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n";
            next;
        }

        my $out = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
        syswrite $in, "HTTP/1.1 200 OK\r\n\r\n";
        my $select = IO::Select->new($in, $out);
        RELAY: for ( ;; ) {
            for my $from ($select->can_read) {
                sysread($from, my $data, 65536) or last RELAY;
                syswrite $from == $in ? $out : $in, $data;
            }
        }
    }

    exit 0;
}

my $proxy = '127.0.0.1:' . $listen->sockport;
close $listen;

tries(qr/registered/, 'through a proxy', $url, flags => \@ca,
    env => { https_proxy => "http://u:p\@$proxy" });
like($t->read_file('proxy.log'), qr/^CONNECT localhost:$port HTTP/,
    'it was asked for the name');
tries(qr/unreachable/, 'a proxy that says no', $url, flags => \@ca,
    env => { HTTPS_PROXY => "http://$proxy" });
tries(qr/registered/, 'no_proxy', $url, flags => \@ca,
    env => { HTTPS_PROXY => 'http://127.0.0.1:1', no_proxy => 'localhost' });

kill TERM => $proxy_pid;
waitpid $proxy_pid, 0;

# a gateway that says nothing any more

my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
$sled->run;
my $link = $gateway->accept(heartbeat_ms => 1000);
$link->{mute} = 1;
ok($sled->wait_for(sub { $link->next(0.1); $link->{heartbeats} }),
    'a heartbeat');
ok($sled->wait_log(qr/disconnected: the gateway is silent/),
    'a silent gateway is given up');
$gateway->accept;
$sled->finish;

# one that refuses, and one that has no room

$sled = Uplink::Daemon->new(gateway => $gateway->url);
$sled->run('--retry-refused', '20s');
$gateway->accept(registered => { success => JSON::PP::false,
    error => 'zone_full: no room' });
like($sled->wait_log(qr/try 1/), qr/busy: .*zone_full/,
    'no room is no refusal');
$gateway->accept_http(401);
like($sled->wait_log(qr/try 2/), qr/refused: .*401/, 'a refusal is');
$sled->finish;

$t->finish;
done_testing;
