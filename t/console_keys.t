#!/usr/bin/perl

# A shell on a phone, of somebody who has signed in with a token: the keys
# that a phone does not have.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Browser;
use Uplink::Daemon;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { "$_->[0]:$_->[1]:"
    . sha256_hex("secret-$_->[0]") . ":workspaces=w\n" }
    ['ada', 'operator'], ['alpha', 'sled']);

$t->conf(<<'EOC', workers => 2)->run;
    uplink_zone main 4m;
    uplink_auth_tokens tokens;
    uplink_terminal_linger 20s;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; uplink_auth off; }
        location /console/ { uplink_console main; }

        location ~ ^/ws/issues/(?<issue>[^/]+)/terminal$ {
            uplink_terminal main issue=$issue workspace=$arg_workspace_id;
        }
    }
EOC

my $port = $t->port;
my $sled = Uplink::Daemon->new(gateway => "ws://127.0.0.1:$port/sled",
    id => 'alpha', env => { SLED_TOKEN => 'secret-alpha', PS1 => '$ ' });

mkdir $sled->dir . '/work' or die;
$sled->run('--workspace', 'w', '--shell', '/bin/sh',
    '--task', 'issue=i1,dir=' . $sled->dir . '/work');
$sled->wait_log(qr/registered/);

my $browser = Uplink::Browser->new;
my $page = $browser->page("http://127.0.0.1:$port/console/"
    . '#/terminal?issue=i1&workspace=w', phone => 1);

sub sign_in {
    $page->fill('#token', 'secret-ada');
    $page->press('Enter');
    $page->wait('.chip[data-state=open]');
}

sub sees {
    my ($text, $name) = @_;

    ok(eval { $page->until('document.querySelector(".xterm-rows")'
        . '.textContent.replaceAll("\u00a0", " ").includes(arg)', $text) },
        $name) or diag($page->text('.xterm-rows'));
}

sign_in();

my %key = (Up => "\x{2191}", Down => "\x{2193}", Left => "\x{2190}",
    Right => "\x{2192}");

sub key {
    for my $name (@_) {
        $page->click($key{$name} ? "role=button[name=\"$name\"]"
            : ".term-keys button:text-is('$name')");
    }
}

$page->click('.xterm-screen');
$page->type('stty raw -echo; echo READY-$((1+1)); '
    . 'dd bs=1 count=24 2>/dev/null | od -An -tx1 -v; stty sane');
$page->press('Enter');
sees('READY-2', 'a shell with a token');

key(qw(Esc Tab Up Down Left Right Ctrl));
is($page->attribute('.term-keys button:text-is("Ctrl")', 'aria-pressed'),
    'true', 'Ctrl is held');
$page->type('c');
is($page->attribute('.term-keys button:text-is("Ctrl")', 'aria-pressed'),
    'false', 'for one key');
$page->type('c');
key(qw(Ctrl Right));
$page->type('xy');

sees('1b 09 1b 5b 41 1b 5b 42 1b 5b 44 1b 5b 43 03 63', 'all of them');
sees('1b 5b 31 3b 35 43 78 79', 'Ctrl and an arrow');
is($page->eval('document.activeElement.className'),
    'xterm-helper-textarea', 'the keyboard stays where it is');

# ---- the token is forgotten with the page, the shell is not

$page->type('MARK=mine-$$; clear');
$page->press('Enter');
$page->reload;
sign_in();
$page->click('.xterm-screen');
$page->type('echo again-$MARK');
$page->press('Enter');
sees('again-mine-', 'the same shell after the page was loaded anew');

is($page->eval('JSON.stringify([localStorage, sessionStorage])')
    =~ /secret/, '', 'the token is kept nowhere');

$page->click('.shell-tools >> text=End shell');
sees('The shell has ended', 'ended by its button');
is_deeply($t->http(GET => '/v1/terminals', headers => [Authorization =>
    'Bearer secret-ada'])->json->{terminals}, [], 'it is no more');

$browser->finish;
$sled->finish;
$t->finish;

done_testing;
