#!/usr/bin/perl

# Files of tokens: what a line may be, and that its token then opens a door.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

my $d = sha256_hex('secret');
my $e = sha256_hex('other');

my $http = <<'EOC';
server {
    listen 127.0.0.1:%%PORT_0%%;
    uplink_auth_tokens %%DIR%%/tokens;
    location = /echo { uplink_echo; }
}
EOC

# what a line has wrong, in the words of nginx -t

my @bad = (
    [':sled:' . $d,                 'invalid name'],
    ["na me:sled:$d",               'invalid name'],
    ["na\x01me:sled:$d",            'invalid name'],
    ["na=me:sled:$d",               'invalid name'],
    ["n\xc3\xa4me:sled:$d",         'invalid name'],
    ['n' x 129 . ":sled:$d",        'invalid name'],
    ['name',                        'no roles'],
    ['name:',                       'unknown role'],
    ['name:boss',                   'unknown role'],
    ["name:Sled:$d",                'unknown role'],
    ["name:sled,:$d",               'unknown role'],
    ["name:sled, operator:$d",      'unknown role'],
    ["name:sled,sled:$d",           'duplicate role'],
    ['name:sled',                   'no digest'],
    ['name:sled:',                  'invalid digest'],
    ['name:sled:secret',            'invalid digest'],
    ['name:sled:' . 'g' x 64,       'invalid digest'],
    ['name:sled:' . substr($d, 1),  'invalid digest'],
    ["name:sled:${d}0",             'invalid digest'],
    ["name:sled:$d:",               'unknown parameter'],
    ["name:sled:$d:workspace=a",    'unknown parameter'],
    ["name:sled:$d agents=a",       'invalid digest'],
    ["name:sled:$d:agents=",        'invalid agent'],
    ["name:sled:$d:agents=a,",      'invalid agent'],
    ["name:sled:$d:agents=a,*",     'invalid agent'],
    ["name:sled:$d:agents=a/b",     'invalid agent'],
    ["name:sled:$d:agents=a:b=c",   'invalid agent'],
    ["name:sled:$d:agents=" . 'a' x 129, 'invalid agent'],
    ["name:sled:$d:workspaces=",    'invalid workspace'],
    ["name:sled:$d:workspaces=a,,b", 'invalid workspace'],
    ["name:sled:$d:workspaces=*,a", 'invalid workspace'],
    ["name:sled:$d:workspaces=a:agent=b", 'invalid workspace'],
    ["name:sled:$d:workspaces=a:workspaces=b", 'duplicate workspaces'],
    ["name:sled:$d:workspaces=*:workspaces=b", 'duplicate workspaces'],
    ["name:sled:$d:agents=a:agents=b", 'duplicate agents'],
    ["name:sled:$d:agents=*:agents=*", 'duplicate agents'],
    ["a\@b.org:sled:$d", 'no agents for a sled whose name is not an agent\'s'],
);

for my $case (@bad) {
    my ($line, $message) = @$case;

    $t->write_file('tokens', "# a comment\n\n$line\n");
    (my $name = "$message: $line") =~ s/([^ -~])/sprintf '\x%02x', ord $1/ge;

    my ($code, $said) = $t->check($http);
    is("$code $said", "1 $message in %%DIR%%/tokens:3", $name);
}

# somebody takes the field for the token: it must not be told

$t->write_file('tokens', "name:sled:secret-of-name\nname:other-secret:$d\n");
unlike(($t->check($http))[2], qr/secret-of-name/, 'no secret is printed');

$t->write_file('tokens', "name:other-secret:$d\n");
unlike(($t->check($http))[2], qr/other-secret/, 'nor here');

# twice

$t->write_file('tokens', "a:sled:$d\n\nb:operator:$e\na:operator:$d\n");
is(($t->check($http))[1], 'duplicate name of "a" in %%DIR%%/tokens:4, '
    . 'the first one is in %%DIR%%/tokens:1', 'a name twice');

$t->write_file('tokens', "z:sled:$d\nb:operator:" . uc($d) . "\n");
is(($t->check($http))[1], 'duplicate digest of "b" in %%DIR%%/tokens:2, '
    . 'the first one is in %%DIR%%/tokens:1', 'a digest twice');

my $two = $http;
$two =~ s/(?=    location)/    uplink_auth_tokens %%DIR%%\/more;\n/;

$t->write_file('tokens', "a:sled:$d\n");
$t->write_file('more', "#\n\na:operator:$e\n");
is(($t->check($two))[1], 'duplicate name of "a" in %%DIR%%/more:3, '
    . 'the first one is in %%DIR%%/tokens:1', 'a name in two files');

$t->write_file('more', "b:operator:$d\n");
is(($t->check($two))[1], 'duplicate digest of "b" in %%DIR%%/more:1, '
    . 'the first one is in %%DIR%%/tokens:1', 'a digest in two files');

# the file itself

unlink $t->dir . '/tokens';
is(($t->check($http))[1], 'open() "%%DIR%%/tokens" failed (2: No such file or '
    . 'directory) in http:3', 'no file');

mkdir $t->dir . '/tokens';
is(($t->check($http))[1], '"%%DIR%%/tokens" is not a regular file in http:3',
    'a folder');
rmdir $t->dir . '/tokens';

system('mkfifo', $t->dir . '/tokens') == 0 or die;
is(($t->check($http))[1], '"%%DIR%%/tokens" is not a regular file in http:3',
    'a fifo, and nginx does not wait for it');
unlink $t->dir . '/tokens';

$t->write_file('tokens', '#' x (16 * 1024 * 1024 + 1));
is(($t->check($http))[1], '"%%DIR%%/tokens" is larger than 16777216 bytes '
    . 'in http:3', 'a file that is too large');

$t->write_file('tokens', '');
is(($t->check($http))[0], 0, 'an empty file is a file');

# good ones, each with its token

my @good = (
    ['plain',     'plain:sled:%s'],
    ['all roles', 'all:sled,operator,engine,viewer,admin:%s'],
    ['upper',     'upper:operator:%S'],
    ['lists',     'lists:sled:%s:workspaces=a,b:agents=x,y'],
    ['reverse',   'reverse:sled:%s:agents=x,y:workspaces=a,b'],
    ['stars',     'stars:operator:%s:workspaces=*:agents=*'],
    ['colons',    'colons:sled:%s:agents=host:1,host:2:workspaces=w:1'],
    ['mail',      'me@example.org:operator:%s'],
    ['blanks',    "  \tblanks:viewer:%s\t  "],
    ['crlf',      "crlf:engine:%s\r"],
    ['long',      'l' x 128 . ':sled:%s:agents=' . 'a' x 128],
    ['last',      'last:admin:%s'],
);

my $text = "# tokens\n\n   # more\n\r\n";

for my $case (@good) {
    my $digest = sha256_hex("token of $case->[0]");
    my $line = $case->[1] =~ s/%s/$digest/r =~ s/%S/uc $digest/er;
    $text .= "$line\n";
}

chop $text;      # the last line may lack its end

$t->write_file('tokens', $text);
$t->write_file('more', join '', map { sprintf "sled-%d:sled:%s\n", $_,
    sha256_hex("number $_") } 1 .. 20000);

$t->conf($two)->run;

sub status {
    my ($token) = @_;

    return $t->handshake('/echo',
        headers => [Authorization => "Bearer $token"])->status;
}

is(status("token of $_->[0]"), 101, "good: $_->[0]") for @good;
is(status("number $_"), 101, "one of many: $_") for 1, 2, 777, 19999, 20000;

is(status($_), 401, "wrong: $_")
    for 'token of nobody', 'number 0', 'number 20001', 'x' x 4000, ' ', $d;

# a reload reads them again

$t->write_file('tokens', "last:admin:$d\n");
$t->reload;

is(status('secret'), 101, 'a new token after a reload');
is(status('token of plain'), 401, 'a removed one');
is(status('number 1'), 101, 'an old one');

like($t->reload_fails(conf => $two . "no_such_directive;\n"),
    qr{unknown directive}, 'a reload that fails');
is(status('secret'), 101, 'a failed reload changes nothing');

# relative to the folder of the configuration

my $relative = $http =~ s/%%DIR%%\/tokens/tokens/r;
$t->conf($relative);
$t->reload;
is(status('secret'), 101, 'a relative path');

$t->finish;

done_testing;
